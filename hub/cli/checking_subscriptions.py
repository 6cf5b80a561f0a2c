"""What `hub check` says of subscriptions: their receivers, what was given up, the key of their secrets."""

from collections.abc import Iterator

from hub.connectors.base import Finding
from hub.errors import ConfigError
from hub.etl.context import Core
from hub.model import open_addresses
from hub.records import hook_deliveries, subscriptions
from hub.records.hook_key import secret_key


def subscription_findings(core: Core) -> Iterator[Finding]:
    """Return the findings; none for a hub without subscriptions."""
    with core.engine.begin() as conn:
        found, counts = subscriptions.every(conn), hook_deliveries.counts(conn)
    if not found:
        return
    try:
        secret_key(core.settings.home, 0, 1)
    except ConfigError as exc:
        yield Finding("subscriptions", ok=False, message=exc.message, hint=exc.hint or "")
    wrong = 0
    for one in found:
        dead_n = counts.get(one.id, (0, 0))[1]
        said = [f"events given up: {dead_n}"] if dead_n else []
        said += [f"its receiver fails: {one.last_error}"] if one.failures else []
        wrong += bool(said)
        if said:
            yield Finding(
                f"subscription {one.id}", ok=False,
                message=f"{one.event} for {open_addresses.shown(one.url)}: {'; '.join(said)}",
                hint=f"hub subscription deliveries {one.id} shows them, hub subscription replay {one.id} sends them again",
            )  # fmt: skip
    if not wrong:
        n = len(found)
        yield Finding(
            "subscriptions",
            ok=True,
            message=f"{n} subscription{'' if n == 1 else 's'}, no receiver fails",
        )
