"""The Typeform app: the paths and their handlers, the token, the limit of two requests a second."""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.typeform.errors import ApiError, form_not_found
from hub.sandbox.typeform.forms import (
    SOURCE,
    STREAM,
    Form,
    Json,
    form_id_of,
    forms_of,
    shown_form,
    shown_in_list,
)
from hub.sandbox.typeform.pages import page_size, read, responses
from hub.sandbox.typeform.webhooks import Webhooks
from hub.sandbox.world import World

REQUESTS_PER_S = 2
_DEFAULT_FORMS, _LARGEST_FORMS = 10, 200
_WINDOW = timedelta(seconds=1)
_QUOTA = 200  # what recorded headers say beside the documented limit
_MINUTE_S = 60
NO_SCOPE = ".noscope"
Handler = Callable[[Request], Awaitable[Response]]


def create_app(world: World, *, strict: bool = False) -> Starlette:
    """Return the app of the emulated account. `app.state.hooks` has its webhooks.

    Args:
        world: the universe's rows, clock and secrets.
        strict: refuse `since`/`until` together with `before`/`after`; reports about Typeform
            differ here.
    """
    account = Account(world, strict=strict)
    form, hook = "/forms/{form_id}", "/forms/{form_id}/webhooks/{tag}"
    table: list[tuple[str, Handler, list[str]]] = [
        ("/me", account.me, ["GET"]),
        ("/forms", account.list_forms, ["GET"]),
        (form, account.get_form, ["GET"]),
        (f"{form}/responses", account.get_responses, ["GET"]),
        (f"{form}/responses", account.delete_responses, ["DELETE"]),
        (f"{form}/webhooks", account.list_hooks, ["GET"]),
        (hook, account.get_hook, ["GET"]),
        (hook, account.put_hook, ["PUT"]),
        (hook, account.delete_hook, ["DELETE"]),
    ]
    routes = [
        Route(path + end, account.guarded(handler), methods=methods)
        for path, handler, methods in table
        for end in ("", "/")
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown_path, 405: _unknown_path})
    app.router.redirect_slashes = False
    app.state.hooks = account.hooks
    app.state.close = account.hooks.close
    return app


class Account:
    """One account: its forms, its limit, its webhooks."""

    def __init__(self, world: World, *, strict: bool) -> None:
        self.world = world
        self.strict = strict
        self.hooks = Webhooks(world)
        self._recent: deque[datetime] = deque()
        self._minute = (0, 0)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with a check of token and limit before it; errors become JSON."""

        async def answer(request: Request) -> Response:
            try:
                self._check_token(request.headers.get("authorization", ""))
                self._check_limit()
                response = await handler(request)
            except ApiError as exc:
                response = JSONResponse(exc.body(), status_code=exc.status)
            response.headers.update(self._quota_headers())
            return response

        return answer

    async def me(self, _request: Request) -> Response:
        """Answer the token's user."""
        body = {
            "alias": "Acme",
            "email": "forms@acme.example.com",
            "language": "en",
            "user_id": "01",
        }
        return JSONResponse(body)

    async def list_forms(self, request: Request) -> Response:
        """Answer a page of the account's forms."""
        search = request.query_params.get("search", "").lower()
        forms = [one for one in forms_of(self.world).values() if search in one.title.lower()]
        size = page_size(request.query_params, _DEFAULT_FORMS, _LARGEST_FORMS)
        page = request.query_params.get("page") or "1"
        if not page.isdigit() or int(page) < 1:
            raise ApiError(400, "VALIDATION_ERROR", "page must be a number from 1")
        start = (int(page) - 1) * size
        base = _base(request)
        body = {
            "total_items": len(forms),
            "page_count": -(-len(forms) // size),
            "items": [shown_in_list(form, base) for form in forms[start : start + size]],
        }
        return JSONResponse(body)

    async def get_form(self, request: Request) -> Response:
        """Answer a form's definition."""
        return JSONResponse(shown_form(self._form(request), _base(request)))

    async def get_responses(self, request: Request) -> Response:
        """Answer a page of responses."""
        form = self._form(request)
        asked = read(request.query_params, strict=self.strict)
        return JSONResponse(responses(self.world, form, asked))

    async def delete_responses(self, request: Request) -> Response:
        """Delete the responses of `included_response_ids`; ignore unknown ids."""
        form = self._form(request)
        names = request.query_params.get("included_response_ids") or request.query_params.get(
            "included_tokens", ""
        )
        if not names:
            raise ApiError(400, "VALIDATION_ERROR", "included_response_ids is required")
        for token in filter(None, (name.strip() for name in names.split(","))):
            row = self.world.get(SOURCE, STREAM, token)
            if row is not None and not row.deleted and form_id_of(row) == form.id:
                self.world.delete(SOURCE, STREAM, token)
        return Response(status_code=200)

    async def list_hooks(self, request: Request) -> Response:
        """Answer a form's webhooks."""
        found = self.hooks.of_form(self._form(request).id)
        return JSONResponse({"items": [hook.shown() for hook in found]})

    async def get_hook(self, request: Request) -> Response:
        """Answer one webhook."""
        hook = self.hooks.find(self._form(request).id, request.path_params["tag"])
        return JSONResponse(hook.shown())

    async def put_hook(self, request: Request) -> Response:
        """Add or change a webhook."""
        form = self._form(request)
        try:
            asked: Json = dict(json.loads(await request.body()))
        except (ValueError, TypeError) as exc:
            raise ApiError(400, "VALIDATION_ERROR", "the body is not a JSON object") from exc
        hook = self.hooks.put(form.id, request.path_params["tag"], asked)
        return JSONResponse(hook.shown())

    async def delete_hook(self, request: Request) -> Response:
        """Delete a webhook."""
        self.hooks.remove(self._form(request).id, request.path_params["tag"])
        return Response(status_code=204)

    def _form(self, request: Request) -> Form:
        form = forms_of(self.world).get(request.path_params["form_id"])
        if form is None:
            raise form_not_found()
        return form

    def _check_token(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        right = self.world.secrets["typeform_token"]
        if scheme.lower() == "bearer" and token.strip() == right + NO_SCOPE:
            raise ApiError(403, "FORBIDDEN", "The token lacks the scope for this")
        if scheme.lower() != "bearer" or token.strip() != right:
            raise ApiError(
                401, "AUTHENTICATION_FAILED", "Authentication credentials not found or invalid"
            )

    def _check_limit(self) -> None:
        now = self.world.clock.now()
        while self._recent and now - self._recent[0] >= _WINDOW:
            self._recent.popleft()
        if len(self._recent) >= REQUESTS_PER_S:
            raise ApiError(429, "TOO_MANY_REQUESTS", "Too many requests, slow down")
        self._recent.append(now)

    def _quota_headers(self) -> dict[str, str]:
        minute = int(self.world.clock.now().timestamp()) // _MINUTE_S
        used = self._minute[1] + 1 if self._minute[0] == minute else 1
        self._minute = (minute, used)
        return {
            "x-ratelimit-limit": str(_QUOTA),
            "x-ratelimit-remaining": str(max(_QUOTA - used, 0)),
            "x-ratelimit-reset": str((minute + 1) * _MINUTE_S),
        }


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


async def _unknown_path(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"code": "NOT_FOUND", "description": "Not found"}, status_code=404)
