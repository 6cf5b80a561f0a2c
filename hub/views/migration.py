"""A migration as people and programs see it: how far it is, its ledger, and each record's verdict.

In: a migration. Out: one model with one JSON form (`hub migrate --json`, `hub reconcile --json`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.etl.closing import ledger_json
from hub.landing import refusals
from hub.landing.refusals import Refusals
from hub.migration.differences import Difference
from hub.migration.fields import FieldPlan
from hub.migration.open_questions import OpenQuestion
from hub.migration.result import Migrated
from hub.model.faults import Fault
from hub.records import batches, migrations
from hub.records.ledger import StreamLedger
from hub.records.migrations import RangeState
from hub.records.plans import Outcome
from hub.views.encoding import to_json


@dataclass(frozen=True, slots=True)
class MigrationView:
    """A migration.

    Args:
        batch: its number.
        source: vendor name.
        state: planned, running, partial, done, failed, undoing or undone.
        ranges: of all streams.
        ledgers: one for each stream: of the rehearsal while it is planned, then of the real run.
        refusals: what the mappings refused, summed up.
        differences: from the plan.
        paused: why the source cannot be read further now; "" if it can.
        is_replanned: whether the plan was made again, because the hub had changed.
        faults: the streams that could not be planned.
        starts_at: from when it runs by itself; None: by hand.
        delta_of: of a delta, the batch of the migration that it follows.
        since: of a delta, from when it moves what has changed, less the source's overlap.
        fields: what became of the custom fields of the plan; of a dry run what would.
        questions: of a dry run, what nobody has decided, and what happens without an answer.
    """

    batch: int
    source: str
    state: str
    ranges: Sequence[RangeState]
    ledgers: Sequence[StreamLedger] = ()
    refusals: Sequence[Refusals] = ()
    differences: Sequence[Difference] = field(default=())
    paused: str = ""
    is_replanned: bool = False
    faults: Sequence[Fault] = ()
    starts_at: datetime | None = None
    delta_of: int | None = None
    since: datetime | None = None
    fields: Sequence[FieldPlan] = ()
    questions: Sequence[OpenQuestion] = ()

    @property
    def is_read(self) -> bool:
        """Whether every stream was planned, and every range proven."""
        return not self.faults and all(one.state == "proven" for one in self.ranges)

    @property
    def holds(self) -> bool:
        """Whether everything was read, and every ledger adds up."""
        return self.is_read and all(one.holds for one in self.ledgers)

    @property
    def refused_n(self) -> int:
        """Return how many values and records the mappings refused."""
        return sum(one.n for one in self.refusals)

    def document(self, records: Iterable[Outcome] = ()) -> dict[str, Any]:
        """Return the migration as `--json` shows it.

        Args:
            records: the verdict of each object; planned ones before the real run. They are taken while
                the document is written, so that a large plan needs no memory.
        """
        return {
            "batch": self.batch,
            "source": self.source,
            "state": self.state,
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "delta_of": self.delta_of,
            "since": self.since.isoformat() if self.since else None,
            "holds": self.holds,
            "paused": self.paused,
            "replanned": self.is_replanned,
            "faults": [one.to_json() for one in self.faults],
            "ranges": [_range(one) for one in self.ranges],
            "ledger": [ledger_json(one) for one in self.ledgers],
            "fields": to_json(self.fields),
            "questions": to_json(self.questions),
            "quarantine": [one.document() for one in self.refusals],
            "records": (one.document() for one in records),
            "differences": [one.document() for one in self.differences],
        }


def _range(one: RangeState) -> dict[str, Any]:
    return {
        "stream": one.stream, "key": one.key, "state": one.state, "counted": one.counted,
        "read": one.read_n, "reason": one.reason,
    }  # fmt: skip


def of_result(conn: Connection, done: Migrated) -> MigrationView:
    """Return the view of what a command did.

    Args:
        conn: an open transaction.
        done: the result of the action.
    """
    found = done.migration
    number = found.batch.id
    ledgers: Sequence[StreamLedger] = ()
    refused: Sequence[Refusals] = ()
    if done.applied is not None:
        ledgers, refused = done.applied.ledgers, refusals.of_batch(conn, number)
    elif done.rehearsed is not None:
        ledgers, refused = done.rehearsed.ledgers, done.rehearsed.refusals
    return MigrationView(
        number,
        found.batch.source,
        found.state,
        migrations.ranges(conn, number),
        ledgers,
        refused,
        done.applied.differences if done.applied is not None else (),
        done.read.paused if done.read is not None else "",
        done.is_replanned,
        batches.faults_noted(conn, number),
        found.starts_at,
        found.delta_of,
        found.since,
        done.fields,
        done.rehearsed.questions if done.rehearsed is not None else (),
    )
