"""What a rehearsal made of each object of a migration. Owns `ops.plan`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select

from hub.db.copy import copy_rows
from hub.db.json_text import write_json
from hub.model.records import JsonValue
from hub.records.migration_tables import plan

Change = Sequence[JsonValue]
"""A value before and after."""
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one object.

    Args:
        stream: of the source.
        source_id: the vendor's id.
        verdict: None while it has none.
        kind: of the row in the CRM: lead, contact, company, deal, …; None: no row.
        is_new: whether the row is made by this migration.
        owner: e-mail address or name of the row's owner.
        fields: field → [before, after], of fields that change; before is null in a new row.
    """

    stream: str
    source_id: str
    verdict: str | None
    kind: str | None = None
    is_new: bool = False
    owner: str | None = None
    fields: Mapping[str, Change] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Return the object: stream and source id."""
        return self.stream, self.source_id

    def document(self) -> dict[str, JsonValue]:
        """Return the outcome as `--json` shows it."""
        return {
            "stream": self.stream,
            "source_id": self.source_id,
            "verdict": self.verdict,
            "kind": self.kind,
            "new": self.is_new,
            "owner": self.owner,
            "fields": {name: list(change) for name, change in self.fields.items()},
        }


_COLUMNS = ("batch_id", "stream", "source_id", "verdict", "kind", "is_new", "owner", "fields")


def clear(conn: Connection, batch_id: int) -> None:
    """Delete the plan of a batch."""
    conn.execute(delete(plan).where(plan.c.batch_id == batch_id))


def add(conn: Connection, batch_id: int, outcomes: Sequence[Outcome]) -> None:
    """Store outcomes of a rehearsal."""
    rows = [
        (batch_id, o.stream, o.source_id, o.verdict, o.kind, o.is_new, o.owner,
         write_json({name: list(change) for name, change in o.fields.items()}))
        for o in outcomes
    ]  # fmt: skip
    if rows:
        copy_rows(conn, "ops.plan", _COLUMNS, rows)


def each(conn: Connection, batch_id: int) -> Iterator[Outcome]:
    """Yield the plan of a batch by stream and source id, on bounded memory."""
    c = plan.c
    found = (
        select(c.stream, c.source_id, c.verdict, c.kind, c.is_new, c.owner, c.fields)
        .where(c.batch_id == batch_id)
        .order_by(c.stream, c.source_id)
        .execution_options(yield_per=_PAGE)
    )
    for row in conn.execute(found):
        yield Outcome(*row)
