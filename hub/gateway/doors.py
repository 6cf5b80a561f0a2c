"""The doors that hub.yaml opens: whose webhooks are taken, by which secrets. A changed file is read again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from hub.connectors.signed_hook import SignedHook
from hub.connectors.webhooks import SENDERS, Hook, Secrets, hook_of
from hub.errors import HubError
from hub.logs import get_logger
from hub.settings import FormSettings, Settings, load
from hub.settings.changes import Changes

log = get_logger()

_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class Door:
    """A source that may send webhooks.

    Args:
        source: its name.
        hook: what its vendor signs and sends.
        secrets: the source's.
        is_retired: whether the source is retired; its vendor is told to stop.
    """

    source: str
    hook: Hook
    secrets: Secrets = field(repr=False)
    is_retired: bool = False


def doors_of(settings: Settings) -> dict[str, Door]:
    """Return the doors by source: those that a sync follows, the retired ones, and the hooks of other senders."""
    doors = {}
    for source in SENDERS:
        block = getattr(settings.sources, source)
        if block is None or block.role == "migrate":
            continue
        secrets = Secrets(_opened(block, "webhook_secret"), _opened(block, "signing_secret"))
        doors[source] = Door(source, hook_of(source), secrets, block.role == "retired")
    for name, one in settings.hooks.items():
        doors[name] = Door(
            name, SignedHook(one.stream, one.id, one.at), Secrets(_opened(one, "secret"))
        )
    return doors


def _opened(block: object, name: str) -> str:
    secret = getattr(block, name, None)
    return secret.get_secret_value() if secret is not None else ""


class Doors:
    """The doors in force.

    Args:
        settings: as they were loaded.
        file: the hub.yaml; None without one, and then it is never read again.
    """

    def __init__(self, settings: Settings, file: Path | None = None) -> None:
        self.settings = settings
        self._file, self._changes = file, Changes(file)
        self._by_source = doors_of(settings)
        self._looked_at = monotonic()

    def by_source(self) -> Mapping[str, Door]:
        """Return the doors; a hub.yaml that has changed is read again, one with a mistake is not in force."""
        if monotonic() >= self._looked_at + _LOOK_S:
            self._looked_at = monotonic()
            self._look()
        return self._by_source

    def form(self, name: str) -> FormSettings | None:
        """Return a form; None if hub.yaml has none of this name."""
        self.by_source()
        return self.settings.forms.get(name)

    @property
    def public_url(self) -> str:
        """The address by which the gateway is called from outside; "" if it is not set."""
        return self.settings.gateway.public_url or ""

    def url_of(self, path: bytes, query: bytes) -> str:
        """Return the address of a request as its sender called it; "" without a public address."""
        if not self.public_url:
            return ""
        rest = path + (b"?" + query if query else b"")
        return self.public_url + rest.decode("ascii", "replace")

    def _look(self) -> None:
        if not self._changes.has_one():
            return
        try:
            self.settings = load(self._file)
        except HubError as exc:
            log.error("settings_refused", reason=exc.message)  # noqa: TRY400  # no trace for an operator's mistake
            return
        self._by_source = doors_of(self.settings)
        log.info("settings_loaded", hooks=sorted(self._by_source))
