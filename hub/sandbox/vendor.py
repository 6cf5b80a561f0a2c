"""What the sandbox must know of one emulated vendor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette

from hub.sandbox.world import World

Refusal = tuple[int, Mapping[str, str], bytes]
JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json"}


def _is_get(method: str, path: str) -> bool:  # noqa: ARG001  # the path decides with some vendors
    return method == "GET"


def _never_later(body: bytes) -> bool:  # noqa: ARG001  # most vendors page by the address
    return False


@dataclass(frozen=True, slots=True)
class Vendor:
    """One emulated vendor.

    Args:
        name: the source's name.
        create_app: makes the app over a world; `strict` asks for the vendor's stricter reading
            where accounts of it differ. `app.state.close` is called at the end, and
            `app.state.expire_tokens` ends all sessions, where there are any.
        credentials: what a client needs → its name among `World.secrets`, or `=text` as it is.
        app: what an installed app needs instead → its name among `World.secrets`.
        env: variable under which the hub expects a secret → its name among `World.secrets`.
        refuse: the vendor's way of saying that it is too much ("rate_limit") or that it is ill
            ("server_errors", with the status): status, headers, body.
        is_read: whether a call reads, and so may be broken by a fault profile.
        is_later: whether a request's body asks for a later page than the first.
        webhook_secret: its name among `World.secrets`, if webhooks are signed.
    """

    name: str
    create_app: Callable[[World, bool], Starlette]
    credentials: Mapping[str, str]
    env: Mapping[str, str]
    refuse: Callable[[str, int], Refusal]
    is_read: Callable[[str, str], bool] = field(default=_is_get)
    is_later: Callable[[bytes], bool] = field(default=_never_later)
    webhook_secret: str = ""
    app: Mapping[str, str] = field(default_factory=dict)

    def shown_credentials(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """Return the credentials with their values."""
        return {
            key: name.removeprefix("=") if name.startswith("=") else secrets[name]
            for key, name in self.credentials.items()
        }
