"""The web form: its page, and what a browser sends back."""

from math import ceil
from pathlib import Path
from time import monotonic

from fastapi import APIRouter, Request, Response

from hub.clock import Clock
from hub.errors import ConfigError, RecordError
from hub.gateway import form, pages
from hub.gateway.answers import BUSY_S, refusals, refuse
from hub.gateway.doors import Doors
from hub.gateway.form import Sent, Submission
from hub.gateway.inbox_writer import InboxFullError, InboxWriter, NotWrittenError
from hub.gateway.metrics import Metrics
from hub.gateway.rates import Rates, network_of
from hub.logs import get_logger
from hub.model.confirm_links import pseudonym
from hub.model.forms import SOURCE
from hub.records.link_key import link_key
from hub.settings import FormSettings

log = get_logger()


class Forms:
    """Shows forms and takes submissions.

    Args:
        doors: the forms that hub.yaml names.
        writer: of the inbox.
        clock: for the time of a submission.
        metrics: what is counted.
    """

    def __init__(self, doors: Doors, writer: InboxWriter, clock: Clock, metrics: Metrics) -> None:
        self._doors, self._writer, self._clock, self._metrics = doors, writer, clock, metrics
        self._rates = Rates()

    def show(self, request: Request, name: str) -> Response:
        """Return the page of a form."""
        found = self._doors.form(name)
        if found is None:
            return refuse(request, 404, "unknown_form", "there is no form at this address")
        return html(pages.form_page(found, language_of(request), pages.EMPTY))

    async def take(self, request: Request, name: str) -> Response:
        """Store a submission. What fills in the hidden field gets the same answer, and is not stored."""
        found = self._doors.form(name)
        if found is None:
            return refuse(request, 404, "unknown_form", "there is no form at this address")
        language = language_of(request)
        try:
            said = form.read(await request.body())
        except RecordError as exc:
            return refuse(request, 400, "malformed", exc.message)
        client = request.client.host if request.client else ""
        if wait_s := self._rates.wait_s(client, found.per_minute, monotonic()):
            self._count("limited", request)
            return self._again((found, language), said, "too_often", status=429, wait=ceil(wait_s))
        if said.is_trapped:
            self._count("trapped", request)
            return self._thanks(found, language, said)
        if wrong := form.complaint(said):
            return self._again((found, language), said, wrong, status=422)
        return await self._stored(request, found, name, language, said)

    async def _stored(
        self, request: Request, found: FormSettings, name: str, language: str, said: Submission
    ) -> Response:
        wording = found.consent or pages.words(language)["consent"]
        client = client_word(request, self._doors.settings.home) if said.consent else ""
        event = form.delivered(
            said,
            Sent(name, language, wording, client, self._clock.now(), request.state.request_id),
        )
        try:
            await self._writer.put([event])
        except InboxFullError:
            self._count("full", request)
            return self._again((found, language), said, "not_stored", status=429, wait=BUSY_S)
        except NotWrittenError:
            self._count("failed", request)
            return self._again((found, language), said, "not_stored", status=503, wait=5)
        self._count("new", request)
        self._metrics.events.labels(SOURCE).inc()
        return self._thanks(found, language, said)

    def _thanks(self, found: FormSettings, language: str, said: Submission) -> Response:
        """Return what follows a submission; it depends on what was filled in, and on no person."""
        if found.thanks_url:
            return Response(status_code=303, headers={"Location": found.thanks_url})
        is_asked = said.consent and bool(said.values["email"] and self._doors.public_url)
        return html(pages.thanks_page(language, is_asked=is_asked))

    def _count(self, outcome: str, request: Request) -> None:
        self._metrics.deliveries.labels(SOURCE, outcome).inc()
        log.info("form_answered", outcome=outcome, request_id=request.state.request_id)

    def _again(
        self,
        shown: tuple[FormSettings, str],
        said: Submission,
        wrong: str,
        *,
        status: int,
        wait: int = 0,
    ) -> Response:
        """Return the form with what was filled in, and what is wrong."""
        page = pages.form_page(*shown, said, wrong)
        return html(page, status, {"Retry-After": str(wait)} if wait else {})


def client_word(request: Request, home: Path) -> str:
    """Return the word that stands for the client of a request, "" without a key; its address is not kept."""
    client = network_of(request.client.host if request.client else "")
    try:
        return pseudonym("client", client, link_key(home))
    except ConfigError as exc:  # a lead is not lost for it
        log.error("link_key_missing", why=exc.message)  # noqa: TRY400
        return ""


def language_of(request: Request) -> str:
    """Return the language of a page, by its address or the browser."""
    asked = request.query_params.get("lang", "")
    return pages.language_of(asked, request.headers.get("accept-language", ""))


def html(page: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a page as an answer."""
    return Response(
        page, status, {**pages.HEADERS, **(headers or {})}, media_type="text/html; charset=utf-8"
    )


def forms_router(forms: Forms) -> APIRouter:
    """Return the routes of forms; browsers call them, so the description of the API leaves them out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/forms/{name}", responses=refusals(404))
    async def show(request: Request, name: str) -> Response:
        return forms.show(request, name)

    @router.post("/forms/{name}", responses=refusals(404, 429))
    async def take(request: Request, name: str) -> Response:
        return await forms.take(request, name)

    return router
