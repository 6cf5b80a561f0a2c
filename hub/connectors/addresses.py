"""Decide which hosts a connector may ask, and follow addresses that a vendor's answer names.

In: the configured address, and addresses from answers. Out: a path on the configured host, or a
`ProtocolError`. A credential travels with each request, so no answer may choose another host.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from hub.connectors.http import make_error
from hub.errors import HubError, ProtocolError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"http": 80, "https": 443}
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:%/-]*(\?[\x21\x23-\x5b\x5d-\x7e]*)?")
_LABEL = re.compile(r"[a-z0-9-]{1,63}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which hosts a source's requests may go to.

    Args:
        source: the source's name or address, for messages.
        allows: takes the parts of an address, returns whether a request may go there.
    """

    source: str
    allows: Callable[[SplitResult], bool]


def only(base_url: str) -> Reach:
    """Return a rule that allows requests to one scheme, host and port only."""
    home = urlsplit(base_url)
    return Reach(home.hostname or "", lambda parts: _origin(parts) == _origin(home))


def check_reach(url: str, reach: Reach) -> None:
    """Raise `ProtocolError` if a request may not go to the address."""
    parts = split(url)
    if parts is None or not reach.allows(parts):
        raise foreign(f"{reach.source}: an address from an answer", url)


def local_path(address: object, *, base_url: str, where: str) -> str:
    """Return the path and query of an address that an answer names, for use on our own host.

    Args:
        address: the text in the answer: a path, or an absolute address.
        base_url: the address that the answer came from.
        where: the answer and the field, for messages.

    Raises:
        ProtocolError: it is no path, or leads to another host.
    """
    parts = split(address)
    if parts is not None and parts.scheme and _origin(parts) == _origin(urlsplit(base_url)):
        address = parts._replace(scheme="", netloc="", fragment="").geturl()
    if isinstance(address, str) and _PATH.fullmatch(address) and "/../" not in address:
        return address
    raise foreign(where, address)


def foreign(where: str, address: object = "") -> HubError:
    """Return the error for an address of another host."""
    named = f" ({site(address)})" if site(address) else ""
    return make_error(
        ProtocolError,
        f"{where} leads to a host that is not this source's{named}; it was not followed",
        hint="check the source's address with `hub check`; if it is right, tell the vendor",
    )


def split(address: object) -> SplitResult | None:
    """Return the parts of an address, None if it is none or names a user before its host."""
    if not isinstance(address, str) or not address.isascii() or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if is_plain and "@" not in parts.netloc and "\\" not in address else None


def site(address: object) -> str:
    """Return the last two labels of an address's host; the rest may hold what must not be said."""
    parts = split(address)
    labels = (parts.hostname or "").split(".") if parts is not None else []
    is_name = (
        len(labels) > 1 and labels[-1].isalpha() and all(_LABEL.fullmatch(one) for one in labels)
    )
    return ".".join(labels[-2:]) if is_name else ""


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
