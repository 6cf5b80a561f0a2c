"""What an undo would do: computed in one read-only transaction, with no lock that others wait for.

The report is that of the undo itself, if nothing changes in between. For a half-undone batch it
has the finished part and the rest.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Engine

from hub.crm import groups as stored
from hub.crm import removal, reopened
from hub.crm.removal_preview import Going, count_children, owners_without
from hub.db.pace import slices
from hub.etl import groups
from hub.records import batch_history, consent_events, departing, entities
from hub.undo import fields, inputs, plain_rows
from hub.undo.batch import parts_of, undoable
from hub.undo.chunks import order_of
from hub.undo.inputs import HAVE_ENTITIES, Before, Brought, Known
from hub.undo.piles import sort_out
from hub.undo.report import GivenBack, Undone, total
from hub.undo.take_back import by_names

READ = 2000  # objects that are read together


def preview(engine: Engine, batch_id: int) -> Undone:
    """Return what an undo of a batch would do; nothing is changed.

    Raises:
        ActionError: there is no such batch, it is not settled, or it is of another kind.
    """
    with engine.begin() as conn:
        undoable(conn, batch_id)
    reading = engine.connect().execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    with reading as conn, conn.begin():
        return _Preview(conn, batch_id).report()


class _Preview:
    """A walk over what is left of a batch, which gathers the rows that would go."""

    def __init__(self, conn: Connection, batch_id: int) -> None:
        self._conn = conn
        batch = inputs.batch(conn, batch_id, lock=False)
        if batch is None:
            raise AssertionError("unreachable: it was there a moment ago")
        self._batch: Known = batch
        self._going = Going()
        self._users: list[tuple[str, str]] = []
        self._asked: list[int] = []
        self._lost: list[int] = []
        self._out: set[int] = set()  # records that would be taken out or put back
        self._plain: set[int] = set()  # records of deals and activities that would go

    def report(self) -> Undone:
        undo_id = batch_history.running_undo(self._conn, self._batch.id)
        done = parts_of(self._conn, undo_id) if undo_id else []
        kept = {name for part in done for name in part.kept_records}
        brought = inputs.brought(self._conn, self._batch.id)
        left = sorted((r for r in brought if r.name not in kept), key=order_of)
        parts = [self._some(some) for some in slices(left, READ)]
        return total(self._batch.id, undo_id or 0, [*done, *parts, self._rows()])

    def _some(self, brought: Sequence[Brought]) -> Undone:
        """Sort some records into piles; rows that would go with them are counted at the end."""
        conn, batch = self._conn, self._batch
        part = Undone(batch.id)
        going = sort_out(conn, batch, brought, part, self._plain)
        self._plain |= {r.id for r in going if r.target in plain_rows.TARGETS}
        self._out |= {r.id for r in going}
        known = {r.id for r in going if r.was_known}
        before = inputs.before(conn, batch.id, sorted(known))
        again = {i for i, said in before.items() if said.is_undone}
        lost = {r.id for r in going} - known | again
        part.reverted["records"] = len(lost)
        part.reverted["restored"] = len(known - again)
        part.records = [r.name for r in going]
        part.consents = consent_events.events_of_records(conn, [r.id for r in going])
        self._asked += reopened.asked_in(conn, sorted(lost))
        part.reverted += Counter(count_children(conn, sorted(lost)))
        part.reverted += plain_rows.count(conn, [r for r in going if r.id in lost])
        self._lost += lost
        self._users += [
            (r.source, r.source_id) for r in going if r.id in lost and r.target == "user"
        ]
        asked = {r.name for r in going if r.id in lost and r.target == "inquiry"}
        self._gather(going, lost, before, asked)
        return part

    def _gather(
        self,
        going: Sequence[Brought],
        lost: Collection[int],
        before: dict[int, Before],
        asked: Collection[str],
    ) -> None:
        conn, batch, out = self._conn, self._batch, {r.id for r in going}
        shared: dict[int, int] = {}
        for target in HAVE_ENTITIES:
            shared |= departing.co_members(conn, sorted(out), target)
        whole = entities.whole(conn, sorted(set(shared.values())))
        roles = inputs.roles(conn, list(shared))
        roles |= {i: said.role or roles[i] for i, said in before.items() if i in roles}
        made = removal.made_rows(conn, batch.id, whole)
        new = entities.made_by(conn, batch.id, whole)
        stands: dict[int, set[str]] = {}
        for record, entity in shared.items():
            goes_back = record in before and entity in new  # to its entity of before the batch
            if record in roles and not goes_back and record not in lost:
                stands.setdefault(entity, set()).add(roles[record])
        self._going.add(conn, removal.orphaned(conn, made, stands, out, self._plain), asked)

    def _rows(self) -> Undone:
        """Count the rows that would go with all of them."""
        conn, going = self._conn, self._going
        going.add_digests(conn, self._batch.id)
        last = Undone(self._batch.id)
        fields.sort_out(self._conn, self._batch.id, last, self._out)
        last.reverted["leads"] = len(going.leads)
        last.reverted["contacts"] = len(going.contacts)
        last.reverted["alerts"] = len(going.alerts)
        opened = reopened.reopened(conn, sorted(set(self._asked)), self._lost)
        last.reverted["statuses"] = sum(row.id not in going.leads for row in opened)
        without = {"lead": going.leads, "contact": going.contacts, "alert": going.alerts}
        gone, last.users = owners_without(conn, self._users, self._batch.id, without, self._plain)
        last.reverted["users"] = gone
        last.given_back = self._given_back()
        last.routed = [
            f"lead/{i}"
            for i in inputs.routed_meanwhile(conn, self._batch.id)
            if i not in going.leads
        ]
        return last

    def _given_back(self) -> list[GivenBack]:
        turns = Counter(self._going.turns.values())
        return by_names(self._conn, groups.owed(stored.of_leads(self._conn), turns))
