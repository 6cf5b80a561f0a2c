"""The webhook that the hub has at a vendor: the interface of the connectors that read and write it.

Each vendor has a `registration.py`. Not here: how the vendor's webhooks are compared with the wanted one
(`hub.connectors.registrations`), and what a delivery must prove (`hub.connectors.webhooks`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hub.errors import ForbiddenError


@dataclass(frozen=True, slots=True)
class Wanted:
    """The webhook that the hub wants at a vendor.

    Args:
        base: `<gateway.public_url>/hooks/<source>`.
        secret: stands behind it in the address; "" for a vendor that signs.
    """

    base: str
    secret: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Return the whole address, with the secret."""
        return f"{self.base}/{self.secret}" if self.secret else self.base

    def shown(self, url: str) -> str:
        """Return an address without the parts that may be a secret."""
        if url == self.base:
            return url
        if url.startswith(f"{self.base}/"):
            return f"{self.base}/…"
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        host = host.partition("?")[0].rpartition("@")[2]
        return f"{scheme}://{host}{'/…' if slash and path else ''}"


@dataclass(frozen=True, slots=True)
class Registered:
    """A webhook that a vendor has.

    Args:
        url: the address that it calls; may have a secret in it.
        is_enabled: whether it is switched on.
        id: by which the vendor changes it.
        is_marked: whether it carries the hub's tag, name or secret, whatever its address is.
        lacks: what the hub wants of it and it does not do, in words.
        failed: what the vendor tells of its last delivery, if that failed, in words.
        has_secret: whether it signs with the secret of the settings; None if the vendor does not tell.
    """

    url: str = field(repr=False)
    is_enabled: bool
    id: str = ""
    is_marked: bool = False
    lacks: tuple[str, ...] = ()
    failed: str = ""
    has_secret: bool | None = None


@runtime_checkable
class KeepsWebhooks(Protocol):
    """The further interface of a connector whose vendor lets its webhooks be read and written."""

    def registered(self, wanted: Wanted) -> Mapping[str, Sequence[Registered]]:
        """Return the webhooks of each part of the account, as `forms/<id>`; of parts without one too.

        Raises what `hub.connectors.base.Connector` says.
        """
        ...

    def register(self, part: str, wanted: Wanted, mine: Registered | None) -> None:
        """Make the hub's webhook of a part, or mend it. It is the only thing that a connector writes.

        Args:
            part: of `registered`.
            wanted: what is to be there.
            mine: the hub's webhook as `registered` has returned it; None makes one. No other one is touched.

        Raises what `hub.connectors.base.Connector` says, and `ConfigError` if the vendor does not accept the address.
        """
        ...


@contextmanager
def permitted_by(hint: str) -> Iterator[None]:
    """Give the vendor's refusal of a permission the hint that names what is needed."""
    try:
        yield
    except ForbiddenError as exc:
        exc.hint = hint
        raise
