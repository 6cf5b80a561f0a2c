"""POST /oauth/v1/token and its dated paths: a refresh token buys an access token of 30 minutes.

The access token is the same as the private app's. Not here: the page where a person consents.
https://developers.hubspot.com/docs/api-reference/auth-oauth-v1/guide
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.sandbox.hubspot.errors import ApiError

LASTS_S = 1800


def token_of(secrets: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """Return the token handler of the account with these secrets."""

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        try:
            _check(form, secrets)
        except ApiError as exc:
            body = {**exc.body(), "status": exc.category, "error": "invalid_grant"}
            return JSONResponse(body, status_code=exc.status)
        return JSONResponse(
            {
                "token_type": "bearer",
                "refresh_token": secrets["hubspot_refresh_token"],
                "access_token": secrets["hubspot_token"],
                "expires_in": LASTS_S,
            }
        )

    return token


def _check(form: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    if form.get("grant_type") != "refresh_token":
        raise ApiError(400, "BAD_GRANT_TYPE", "missing or unknown grant type")
    if form.get("client_id") != secrets["hubspot_client_id"]:
        raise ApiError(400, "BAD_CLIENT_ID", "missing or unknown client id")
    if form.get("client_secret") != secrets["hubspot_client_secret"]:
        raise ApiError(400, "BAD_CLIENT_SECRET", "missing or invalid client secret")
    if form.get("refresh_token") != secrets["hubspot_refresh_token"]:
        raise ApiError(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
