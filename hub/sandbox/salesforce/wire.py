"""The common part of REST calls: session, budget, version, JSON, errors as a list."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.sandbox.salesforce.errors import ApiError, not_found
from hub.sandbox.salesforce.org import Org

OLDEST, NEWEST = 31, 67
_VERSION = re.compile(r"v(\d+)\.0")
Handler = Callable[[Request, Org], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Json(JSONResponse):
    """JSON with the vendor's content type."""

    media_type = "application/json;charset=UTF-8"


_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
MY_DOMAIN = "acme.my.salesforce.com"


def org_of(request: Request) -> Org:
    """Return the org of the app."""
    org: Org = request.app.state.org
    return org


def base_url(request: Request) -> str:
    """Return scheme and host as the client sees them, for absolute URLs.

    A login at a shared host gets the org's own host, as at Salesforce.
    """
    host = request.headers.get("host", "localhost")
    host = MY_DOMAIN if host in _LOGIN_HOSTS else host
    return f"{request.url.scheme}://{host}"


def version_of(request: Request) -> str:
    """Return the API version of the path (`59.0`)."""
    return read_version(request.path_params["version"])


def read_version(name: str) -> str:
    """Return the API version (`59.0`) of a part of a path (`v59.0`)."""
    match = _VERSION.fullmatch(name)
    if match is None or int(match.group(1)) > NEWEST:
        raise not_found()
    if int(match.group(1)) < OLDEST:
        raise ApiError(410, "GONE", "The requested API version has been retired")
    return f"{match.group(1)}.0"


def read_token(request: Request) -> str:
    """Return the access token of the Authorization header, `Bearer` or `OAuth` in any case."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "oauth"} or not token.strip():
        raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
    return token.strip()


async def json_object(request: Request) -> dict[str, Any]:
    """Return the body; raise an error if it is no JSON object."""
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise ApiError(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "The JSON object was expected")
    return body


def guarded(handler: Handler) -> Endpoint:
    """Return the handler with a check of session, version and budget before it."""

    async def endpoint(request: Request) -> Response:
        org = org_of(request)
        try:
            org.touch_session(read_token(request))
            version_of(request)
            org.count_call()
            response = await handler(request, org)
        except ApiError as error:
            response = Json(error.body(), status_code=error.status)
            if error.status == 401:  # noqa: PLR2004  # the status is its own name
                response.headers["WWW-Authenticate"] = "Token"
        response.headers["Sforce-Limit-Info"] = org.limit_info()
        return response

    return endpoint
