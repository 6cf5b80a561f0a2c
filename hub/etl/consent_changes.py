"""The opt-outs that a changed mapping no longer reads.

An opt-out stays in force until a user accepts that it is lifted. `foresee` lists such opt-outs before
a stream is mapped again. `held` lists them afterwards: after a remap, or after an upgrade.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from hub.errors import ConfigError
from hub.records import consent_disputes, consents, requeue
from hub.records.consent_disputes import Lifted

if TYPE_CHECKING:  # a status asks what is held alone, and does not wait for the stages
    from hub.etl.context import Hub

SHOWN = 20


def foresee(hub: "Hub", source: str, stream: str) -> list[Lifted]:
    """Return the addresses whose opt-out the present mapping would lift; nothing is written."""
    with hub.engine.connect() as conn:
        return consent_disputes.would_lift(conn, _unread(hub, conn, source, stream))


def _unread(hub: "Hub", conn: Connection, source: str, stream: str) -> list[int]:
    """Return the stored noes of a stream that the present mapping does not read."""
    # `hub status` asks what is held; it does not wait for the mapping engine
    from hub.etl.consents import events  # noqa: PLC0415
    from hub.etl.normalize import CHUNK, by_age, mapped  # noqa: PLC0415

    contexts: dict[str, Mapping[str, Any]] = {}
    found: list[int] = []
    after = 0
    while stored := consent_disputes.noes_of(conn, source, stream, after=after, limit=CHUNK):
        # the noes of one version come together: the last version may be cut off
        after = stored[-1].raw_id if len(stored) < CHUNK else stored[-1].raw_id - 1
        rows = requeue.versions(conn, sorted({no.raw_id for no in stored}))
        read = {
            (e.raw_id, e.address, e.channel, e.purpose, e.state.value)
            for some in by_age(rows)
            for e in events(mapped(hub, conn, list(some.values()), contexts).consents, some)
        }
        found += [
            no.id
            for no in stored
            if (no.raw_id, no.address, no.channel, no.purpose, no.state) not in read
        ]
    return found


def held(conn: Connection, source: str | None = None, stream: str | None = None) -> list[Lifted]:
    """Return the addresses whose opt-out is in force only because no user has accepted its lifting.

    Args:
        conn: a connection.
        source: of one source; None for all.
        stream: of one of its streams; None for all.
    """
    return consent_disputes.would_lift(conn, consent_disputes.disputed(conn, source, stream))


def accept(conn: Connection, who: str, source: str | None = None, stream: str | None = None) -> int:
    """Lift the opt-outs that the mappings no longer read; returns how many events that are."""
    ids = consent_disputes.disputed(conn, source, stream)
    consents.accept(conn, who, ids)
    return len(ids)


def refusal(lifted: list[Lifted], command: str) -> ConfigError:
    """Return the error that names the addresses; `command` is what accepts it."""
    named = [f"{one.address} ({one.channel}, {one.purpose})" for one in lifted[:SHOWN]]
    more = [f"and {len(lifted) - SHOWN} more"] if len(lifted) > SHOWN else []
    return ConfigError(
        f"the mapping would lift the opt-out of {len(lifted)} addresses: "
        + ", ".join([*named, *more]),
        hint=f"nothing was mapped; to accept this, add --accept-consent: {command}",
    )
