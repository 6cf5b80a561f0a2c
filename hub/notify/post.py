"""Post a body to a subscriber's address: resolved once, never inside, never redirected, in bounded time.

In: an address, headers, a body. Out: the answer's status, or why there is none. The name is resolved once, every
address that comes is checked, and the connection goes to one of these addresses; the header `Host` and TLS keep
the name. So a name that resolves to another address a moment later reaches nothing else. A redirect is an answer
like any other. Not here: signatures, attempts and who subscribes (`hub.live.hook_turns`).

The request is written by hand because the libraries bound each read and not the whole: a receiver that sends a byte
every few seconds would hold a connection for hours.
"""

import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from urllib.parse import SplitResult

from hub.model import open_addresses
from hub.model.open_addresses import Network

_MOST_HEAD = 16 << 10
_PART = 4 << 10
_MOST_ADDRESSES = 3
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_TAKEN = range(200, 300)
_INTERIM = range(100, 200)
_REDIRECTS = range(300, 400)
GONE = 410
Resolve = Callable[[str, int], Sequence[str]]


def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, each once, in the order in which the system prefers them.

    Raises:
        OSError: the name cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Args:
        status: of the answer; 0 without one.
        why: why it is no success, without any text of the receiver; "" of a success.
        retry_after_s: how long the receiver asks to wait.
    """

    status: int = 0
    why: str = ""
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """Tell whether the receiver has taken the body."""
        return self.status in _TAKEN


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts bodies.

    Args:
        allowed: networks that may be called though they are private.
        timeout_s: seconds for one request as a whole, after its name is resolved.
        resolve: name and port → addresses.
        tls: what is trusted.
    """

    allowed: Sequence[Network] = ()
    timeout_s: float = 10.0
    resolve: Resolve = resolved
    tls: Callable[[], ssl.SSLContext] = field(default=_trusted)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body; a fault of the network or of the receiver is an answer, and no exception."""
        if why := open_addresses.refusal(url, self.allowed):
            return Answer(why=why)
        parts = open_addresses.parts_of(url)
        if parts is None:
            raise AssertionError("unreachable: the address was checked")
        port = open_addresses.port_of(parts)
        found, why = self._found(parts, port)
        if why:
            return Answer(why=why)
        try:
            return self._exchange(parts, found, port, _request(parts, headers, body))
        except TimeoutError:
            return Answer(why=f"no answer within {self.timeout_s:g} seconds")
        except ssl.SSLCertVerificationError:
            return Answer(why="the certificate is not trusted")
        except (OSError, ValueError) as exc:
            return Answer(why=f"no connection: {type(exc).__name__}")

    def _found(self, parts: SplitResult, port: int) -> tuple[Sequence[str], str]:
        """Return the addresses of a host, and why none of them is called; "" if one may be."""
        try:
            found = self.resolve(parts.hostname or "", port)
        except (OSError, UnicodeError):
            return (), "the name cannot be resolved"
        return found, self._refused(parts.scheme, found)

    def _refused(self, scheme: str, found: Sequence[str]) -> str:
        """Return why the addresses of a name are not called: one that is private refuses them all."""
        addresses = [open_addresses.address_of(one) for one in found]
        if not addresses:
            return "the name has no address"
        if not all(
            one is not None and open_addresses.is_open(one, self.allowed) for one in addresses
        ):
            return "the name leads to an address inside a private network"
        is_plain = scheme == "http"
        if is_plain and not all(
            one is not None and open_addresses.is_allowed(one, self.allowed) for one in addresses
        ):
            return "the address must begin with https://"
        return ""

    def _exchange(
        self, parts: SplitResult, found: Sequence[str], port: int, request: bytes
    ) -> Answer:
        until = monotonic() + self.timeout_s
        with _connected(found[:_MOST_ADDRESSES], port, until) as plain:
            if parts.scheme == "http":
                return _asked(plain, request, until)
            plain.settimeout(_left(until))
            with self.tls().wrap_socket(plain, server_hostname=parts.hostname) as encrypted:
                return _asked(encrypted, request, until)


def _left(until: float) -> float:
    """Return the seconds that are left.

    Raises:
        TimeoutError: none are.
    """
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    """Return a connection to the first of these addresses that takes one.

    Raises:
        OSError: none does.
    """
    last: OSError | None = None
    for one in addresses:
        try:
            return socket.create_connection((one, port), timeout=_left(until))
        except TimeoutError:
            raise
        except OSError as exc:
            last = exc
    raise last or OSError("no address")


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the request. The host is written as the address names it, so that TLS, `Host` and the name agree.

    Raises:
        ValueError: a header has a line break.
    """
    path = parts.path or "/"
    said = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    lines = [f"POST {path}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in said.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line break")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _asked(connection: socket.socket, request: bytes, until: float) -> Answer:
    """Send a request, and read the head of its answer; the body of the answer is not read."""
    connection.settimeout(_left(until))
    connection.sendall(request)
    held = b""
    while True:
        head, end, rest = held.partition(b"\r\n\r\n")
        if end:
            status, lines = _status(head)
            if status not in _INTERIM:
                return _judged(status, lines)
            held = rest
            continue
        if len(held) > _MOST_HEAD:
            return Answer(why="the answer is no HTTP")
        connection.settimeout(_left(until))
        part = connection.recv(_PART)
        if not part:
            return Answer(why="the connection was closed without an answer")
        held += part


def _status(head: bytes) -> tuple[int, Sequence[bytes]]:
    first, *lines = head.split(b"\r\n")
    found = _STATUS.fullmatch(first)
    return int(found[1]) if found else 0, lines


def _judged(status: int, lines: Sequence[bytes]) -> Answer:
    if not status:
        return Answer(why="the answer is no HTTP")
    if status in _TAKEN:
        return Answer(status)
    if status in _REDIRECTS:
        return Answer(status, f"the receiver answered {status}; redirects are not followed")
    return Answer(status, f"the receiver answered {status}", _retry_after(lines))


def _retry_after(lines: Sequence[bytes]) -> float | None:
    """Return the seconds of the header `Retry-After`; a date is left out."""
    for line in lines:
        name, _, value = line.partition(b":")
        said = value.strip()
        if name.strip().lower() == b"retry-after" and said.isdigit() and len(said) < 7:  # noqa: PLR2004
            return float(said)
    return None
