"""The description of one emulated vendor that the sandbox needs to run it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette

from hub.sandbox.world import World

Refusal = tuple[int, Mapping[str, str], bytes]
JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json"}


def _is_get(method: str, path: str) -> bool:  # noqa: ARG001  # some vendors look at the path
    return method == "GET"


def _never_later(body: bytes) -> bool:  # noqa: ARG001  # most vendors put the page into the URL
    return False


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request that a refusal depends on; `query` is text, unquoted."""

    method: str
    path: str
    query: str = ""

    def names(self) -> list[str]:
        """Return the segments of the path without `.json`."""
        return [one.removesuffix(".json") for one in self.path.split("/") if one]

    def is_under(self, part: str) -> bool:
        """Tell whether the path goes through a part, whatever prefix stands before it."""
        wanted, names = part.split("/"), self.names()
        return any(names[n : n + len(wanted)] == wanted for n in range(len(names)))


@dataclass(frozen=True, slots=True)
class Vendor:
    """One emulated vendor.

    Args:
        name: the source's name.
        create_app: makes the app of a world. If reports about the vendor differ, `strict` chooses
            the stricter behaviour. The sandbox calls `app.state.close` at the end.
            `app.state.expire_tokens` ends all sessions. Both are optional.
        credentials: credential of a client → its key in `World.secrets`, or `=text` for a fixed
            text.
        app: credential of an installed app → its key in `World.secrets`.
        env: environment variable of the hub → the key of its secret in `World.secrets`.
        refuse: returns the vendor's answer (status, headers, body) for the kind "rate_limit", or
            for the kind "server_errors" with the given status.
        revoke: returns the vendor's answer to credentials that were revoked, also at its login.
        forbid: returns the vendor's answer if the request asks for a part that the credentials may
            not read; None if the request asks for something else.
        is_read: tells whether a call reads; fault profiles break reads only.
        is_later: tells whether a request body asks for a page after the first.
        webhook_secret: key of the signing secret in `World.secrets`; empty without signed webhooks.
    """

    name: str
    create_app: Callable[[World, bool], Starlette]
    credentials: Mapping[str, str]
    env: Mapping[str, str]
    refuse: Callable[[str, int], Refusal]
    revoke: Callable[[Asked], Refusal]
    forbid: Callable[[Asked, str], Refusal | None]
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
