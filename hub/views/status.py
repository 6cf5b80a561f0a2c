"""The status: streams, queues, what waits for a person, drift, budgets, the newest batches.

In: the database and the settings. Out: one model. Not here: how it is drawn (`hub.cli.status_tables`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.crm import overview
from hub.db.engine import Database
from hub.etl import consent_changes, derivations
from hub.etl.completeness import unproved
from hub.etl.drifting import drift_of
from hub.etl.mapping_summaries import summaries
from hub.etl.promise import Promise, promises
from hub.etl.refresh_interval import interval
from hub.etl.waiting import waiting_n
from hub.frozen import dataclass
from hub.landing import inbox, silent
from hub.landing.inbox import Depth
from hub.records import batch_history, budgets, migrations
from hub.records.batch_history import Recovered
from hub.records.erasure_key import work_file
from hub.records.migrations import MigrationStatus
from hub.settings import Settings

_DRIFT_SHOWN = 10
_BATCHES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream of a source.

    Args:
        source: its name.
        stream: its name.
        watermark: how far the stream is read, as the source counts time.
        updated_at: when the cursor last moved.
        lag_s: seconds between the watermark and now; null before the first record.
        landed: objects that the hub has.
        pending: records that wait for a stage.
        quarantine: values in quarantine.
    """

    source: str
    stream: str
    watermark: str | None
    updated_at: datetime
    lag_s: float | None
    landed: int
    pending: int
    quarantine: int


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """The questions that a vendor's account allows.

    Args:
        account: the vendor and its account.
        name: of the budget.
        requests: that go in `per_s`; null of a budget of a day.
        per_s: seconds of the window.
        day_used: requests of today; null where the vendor does not say.
        day_limit: requests of a day; null where there is no such limit.
        observed_at: when the vendor last said so.
        paused_until: until when the hub asks nothing; null where it may ask.
        in_window: requests of the last `per_s` seconds.
    """

    account: str
    name: str
    requests: int | None
    per_s: float | None
    day_used: int | None
    day_limit: int | None
    observed_at: datetime | None
    paused_until: datetime | None
    in_window: int


@dataclass(frozen=True, slots=True)
class SilentField:
    """A field whose value changes without the record's time, and is read again.

    Args:
        source: name of the source.
        stream: name of the stream.
        field: the field.
        read_at: when it was last read.
        every_s: seconds between two readings.
        compared: values that were compared then.
        changed: values that had changed.
        under_way: whether it is being read.
    """

    source: str
    stream: str
    field: str
    read_at: datetime
    every_s: float
    compared: int
    changed: int
    under_way: bool


@dataclass(frozen=True, slots=True)
class DriftStatus:
    """What a mapping does not know, or a text that says nothing.

    Args:
        source: name of the source.
        stream: name of the stream.
        kind: `field`, `value`, `placeholder`, …
        field: the field.
        value: the value, shortened; empty of a field.
        n: records that have it.
        first_seen: when it first came.
        last_seen: when it last came.
        suggestion: what to do; null of a placeholder.
    """

    source: str
    stream: str
    kind: str
    field: str
    value: str
    n: int
    first_seen: datetime
    last_seen: datetime
    suggestion: str | None


@dataclass(frozen=True, slots=True)
class StaleStatus:
    """What an older version of the rules derived.

    Args:
        derivation: which rules: `mapping`, `keys`, `model`, `fold` or `links`.
        part: source/stream of a mapping, else empty.
        version: of the rules in force.
        behind: records that an older version derived.
    """

    derivation: str
    part: str
    version: str
    behind: int


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch.

    Args:
        id: its number.
        source: whose it is.
        kind: `sync`, `action`, `undo`, …
        lane: `bulk` or `live`.
        state: `running`, `done`, `failed`, `undone`, …
        started_at: when it began.
        finished_at: when it ended; null of one that runs.
    """

    id: int
    source: str
    kind: str
    lane: str
    state: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of the hub.

    Args:
        home: the folder of the hub.
        roles: of each configured source: `follow`, `migrate` or `retired`.
        streams: every stream that was read.
        pending: records that wait, by stage.
        quarantine: values in quarantine.
        review: open questions in review.
        unproved: the faults of the latest read of each source, as in its failed run.
        outbox_pending: notifications that are to be sent.
        outbox_dead: notifications that were given up.
        inbox: events of sources that wait, and that no worker tries again.
        recovered: new objects that the latest sync of a source found instead of its webhook.
        leads: leads on lists.
        budgets: the questions that the vendors allow.
        promises: within how many seconds a change at a source is in the CRM while `hub up` runs.
        silent: fields that are read again.
        placeholders: texts that say nothing, the most frequent ones.
        drift: what no mapping knows, the most frequent ones.
        vanished: by stream: fields that the source no longer fills, with the reason.
        fill: by stream: the share of the newest records that fill each field, 0 to 1.
        opt_outs_held: opt-outs that no mapping reads.
        derivations: what older versions of the rules derived.
        undoing: batches that are half undone.
        erase_under_way: whether an erase was killed before its end.
        migrations: those that are not over.
        batches: the newest ones.
    """

    home: str
    roles: Mapping[str, str]
    streams: tuple[StreamStatus, ...]
    pending: Mapping[str, int]
    quarantine: int
    review: int
    unproved: tuple[str, ...]
    outbox_pending: int
    outbox_dead: int
    inbox: Depth
    recovered: tuple[Recovered, ...]
    leads: int
    budgets: tuple[BudgetStatus, ...]
    promises: tuple[Promise, ...]
    silent: tuple[SilentField, ...]
    placeholders: tuple[DriftStatus, ...]
    drift: tuple[DriftStatus, ...]
    vanished: Mapping[str, Mapping[str, str]]
    fill: Mapping[str, Mapping[str, float]]
    opt_outs_held: int
    derivations: tuple[StaleStatus, ...]
    undoing: tuple[int, ...]
    erase_under_way: bool
    migrations: tuple[MigrationStatus, ...]
    batches: tuple[BatchStatus, ...]


def read_status(database: Database, settings: Settings) -> Status:
    """Return the status."""
    own = Path(settings.mappings_dir) if settings.mappings_dir else None
    mappings = summaries(own, settings.home)
    with database.engine.begin() as conn:
        stale = derivations.stale(conn, mappings)
        landed = [one.part for one in stale if one.derivation == derivations.MAPPING]
        return Status(
            home=str(settings.home),
            roles={s: getattr(settings.sources, s).role for s in settings.sources.configured()},
            streams=tuple(StreamStatus(**row) for row in overview.streams(conn)),
            pending=waiting_n(conn),
            inbox=inbox.depth(conn),
            recovered=tuple(batch_history.recovered(conn)),
            budgets=tuple(BudgetStatus(**row) for row in budgets.all_rows(conn)),
            promises=tuple(promises(conn, settings)),
            unproved=tuple(
                said for source in settings.sources.configured() for said in unproved(conn, source)
            ),
            silent=_silent(conn, settings),
            opt_outs_held=len(consent_changes.held(conn)),
            derivations=tuple(
                StaleStatus(one.derivation, one.part, one.version, one.behind) for one in stale
            ),
            undoing=tuple(batch_history.half_undone(conn)),
            erase_under_way=work_file(settings.home).exists(),
            migrations=tuple(migrations.unfinished(conn)),
            batches=tuple(BatchStatus(**row) for row in overview.batches(conn, _BATCHES_SHOWN)),
            **_numbers(conn),
            **_drift(conn, {name: mappings[name].fields for name in landed}),
        )


def _numbers(conn: Connection) -> dict[str, Any]:
    return dict(overview.numbers(conn))


def _silent(conn: Connection, settings: Settings) -> tuple[SilentField, ...]:
    return tuple(
        SilentField(
            source=source,
            stream=stream,
            field=key,
            read_at=one.at,
            every_s=interval(settings, source, often=one.often).total_seconds(),
            compared=one.compared,
            changed=one.changed,
            under_way=state.walk is not None and key in state.walk.keys,
        )
        for (source, stream), state in silent.read_all(conn).items()
        for key, one in sorted(state.fields.items())
    )


def _drift(conn: Connection, streams: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return `drift`, `placeholders`, `vanished` and `fill` of streams with their fields, for the constructor."""
    found = {name: drift_of(conn, name, fields) for name, fields in streams.items()}
    return {
        "placeholders": _frequent([d for one in found.values() for d in one.placeholders]),
        "drift": _frequent([d for one in found.values() for d in one.unknown]),
        "vanished": {name: dict(one.vanished) for name, one in found.items() if one.vanished},
        "fill": {name: dict(one.fill) for name, one in found.items() if one.fill},
    }


def _frequent(rows: list[dict[str, Any]]) -> tuple[DriftStatus, ...]:
    shown = sorted(rows, key=lambda row: -row["n"])[:_DRIFT_SHOWN]
    return tuple(DriftStatus(**{"suggestion": None, **row}) for row in shown)
