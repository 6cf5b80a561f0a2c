"""POST /services/oauth2/token, revoke and userinfo. Errors here are an object, not a list."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.org import ORG_ID, Org
from hub.sandbox.salesforce.wire import Json, base_url, org_of, read_token

_GRANTS = {"client_credentials", "password", "refresh_token"}


class OAuthError(Exception):
    """A refused token request.

    Args:
        code: `error` of the body.
        description: `error_description` of the body.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


async def token(request: Request) -> Response:
    """Answer a token request by client credentials, password or refresh token."""
    org = org_of(request)
    raw = (await request.body()).decode("utf-8", "replace")
    form = {**dict(request.query_params), **dict(parse_qsl(raw, keep_blank_values=True))}
    try:
        form |= _basic(request)
        _check_grant(org.world.secrets, form)
    except OAuthError as error:
        body = {"error": error.code, "error_description": error.description}
        return Json(body, status_code=400, headers={"Cache-Control": "no-store"})
    return Json(_grant(request, org), headers={"Cache-Control": "no-store"})


async def revoke(request: Request) -> Response:
    """End a session."""
    raw = (await request.body()).decode("utf-8", "replace")
    form = {**dict(request.query_params), **dict(parse_qsl(raw))}
    org_of(request).sessions.pop(form.get("token", ""), None)
    return Response(status_code=200)


async def userinfo(request: Request) -> Response:
    """Answer the session's user. The `id` of a token answer has this URL too."""
    org = org_of(request)
    try:
        org.touch_session(read_token(request))
    except ApiError:
        return Response("Bad_OAuth_Token", status_code=403)
    user_id, name = org.store.default_user_id(), str(org.world.secrets.get("username", ""))
    base = base_url(request)
    return Json(
        {
            "sub": f"{base}/id/{ORG_ID}/{user_id}",
            "id": f"{base}/id/{ORG_ID}/{user_id}",
            "user_id": user_id,
            "organization_id": ORG_ID,
            "preferred_username": name,
            "username": name,
            "name": name,
            "email": name,
            "active": True,
            "user_type": "STANDARD",
            "urls": {
                "rest": base + "/services/data/v{version}/",
                "sobjects": base + "/services/data/v{version}/sobjects/",
                "query": base + "/services/data/v{version}/query/",
                "partner": base + f"/services/Soap/u/{{version}}/{ORG_ID[:15]}",
            },
        }
    )


def is_password(secrets: Mapping[str, str], username: str, password: str) -> bool:
    """Tell whether the password is right: alone (trusted network), or with the security token."""
    wanted = secrets.get("password", "")
    whole = wanted + secrets.get("security_token", "")
    same_user = username.lower() == secrets.get("username", "").lower()
    return bool(wanted) and same_user and password in {wanted, whole}


def _basic(request: Request) -> dict[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "invalid client credentials") from error
    return {"client_id": unquote_plus(user), "client_secret": unquote_plus(password)}


def _check_grant(secrets: Mapping[str, str], form: Mapping[str, str]) -> None:
    grant = form.get("grant_type", "")
    if grant not in _GRANTS:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    given = (form.get("client_id"), form.get("client_secret"))
    if given != (secrets.get("client_id"), secrets.get("client_secret")):
        raise OAuthError("invalid_client", "invalid client credentials")
    if grant == "password" and not is_password(
        secrets, form.get("username", ""), form.get("password", "")
    ):
        raise OAuthError("invalid_grant", "authentication failure")
    known = secrets.get("refresh_token")
    if grant == "refresh_token" and (known is None or form.get("refresh_token") != known):
        raise OAuthError("invalid_grant", "expired access/refresh token")


def _grant(request: Request, org: Org) -> dict[str, str]:
    issued = str(int(org.now().timestamp() * 1000))
    base = base_url(request)
    identity = f"{base}/id/{ORG_ID}/{org.store.default_user_id()}"
    key = org.world.secrets.get("client_secret", "").encode()
    signature = hmac.new(key, (identity + issued).encode(), hashlib.sha256).digest()
    return {
        "access_token": org.open_session(),
        "signature": base64.b64encode(signature).decode(),
        "scope": "api refresh_token",
        "instance_url": base,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued,
    }
