"""POST /oauth2/token: a refresh token buys an access token of one hour. The personal token never expires.

Not here: the page where a person consents.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.sandbox.ids import scrambled
from hub.sandbox.world import World

LASTS_S = 3_600
SCOPE = "read write profile sync"


class Tokens:
    """The tokens of an account.

    Args:
        world: the world, for its clock and its secrets.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._until: dict[str, datetime] = {}

    def holds(self, token: str) -> bool:
        """Tell whether a token is valid now."""
        if token == self.world.secrets["sell_token"]:
            return True
        until = self._until.get(token)
        return until is not None and self.world.clock.now() < until

    def expire(self) -> None:
        """End all access tokens; the personal token stays."""
        self._until.clear()

    def handler(self) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of the token path."""

        async def token(request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            secrets = self.world.secrets
            client = [form.get("client_id"), form.get("client_secret")]
            if client != [secrets["sell_client_id"], secrets["sell_client_secret"]]:
                return _refused("invalid_client", "Client authentication failed.", 401)
            if form.get("grant_type") != "refresh_token":
                return _refused("unsupported_grant_type", "The grant type is not supported.", 400)
            if form.get("refresh_token") != secrets["sell_refresh_token"]:
                return _refused("invalid_grant", "The refresh token is invalid.", 400)
            now = self.world.clock.now()
            access = scrambled(f"sell/access/{self.world.seed}/{now.timestamp()}", 40)
            self._until[access] = now + timedelta(seconds=LASTS_S)
            return JSONResponse({
                "access_token": access,
                "token_type": "bearer",
                "expires_in": LASTS_S,
                "refresh_token": secrets["sell_refresh_token"],
                "scope": SCOPE,
            })  # fmt: skip

        return token


def _refused(code: str, text: str, status: int) -> Response:
    return JSONResponse({"error": code, "error_description": text}, status_code=status)
