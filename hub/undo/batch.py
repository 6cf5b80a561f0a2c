"""Undo a batch: its records go, or say again what they said before, and the rest is folded anew.

Four piles: reverted; kept, because somebody has edited since; blocked, because somebody has built
on it; kept, because consent is never undone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from hub.crm import owners, reopened, tickets
from hub.crm import removal as rows
from hub.db.locks import company_lock, identity_lock, source_locks
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.etl import accounts, companies, load, match, route
from hub.model.entities import PERSON_REFS
from hub.records import batches, folding, proofs
from hub.records.companies import ORGANISATION, set_keys
from hub.routing.ring import give_back
from hub.undo import inputs
from hub.undo.inputs import Brought, Known

KINDS = ("sync", "migrate", "live")
PERSON = "person"
_HAVE_ENTITIES = (PERSON, ORGANISATION)


@dataclass(frozen=True, slots=True)
class Kept:
    """Records that stay as the batch left them: whose they are (`lead/12`), and why."""

    name: str | None
    records: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Turns that a member is owed: served first next time, the group's pointer does not move."""

    group: str
    member: str
    turns: int


@dataclass(slots=True)
class Undone:
    """What became of a batch that was taken back.

    Args:
        batch: the batch.
        undo: the batch that the undo is in the books.
        reverted: how many records were taken out (`records`) or say again what they said before
            (`restored`), and how many rows of each kind went.
        records: the names of both.
        edited: what stays because somebody has typed into it since.
        blocked: what stays because somebody has built on it.
        consents: what the records said of consent, which stands: (record, channel, state).
        given_back: turns that members are owed.
        users: owners of the source who stay because something is theirs.
        routed: leads of earlier batches that nobody owned and that got an owner while it ran.
    """

    batch: int
    undo: int
    reverted: Counter[str] = field(default_factory=Counter)
    records: list[str] = field(default_factory=list)
    edited: list[Kept] = field(default_factory=list)
    blocked: list[Kept] = field(default_factory=list)
    consents: list[tuple[str, str, str]] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    routed: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the report as `--json` shows it."""
        return {
            "batch": self.batch,
            "undo": self.undo,
            "reverted": {**self.reverted},
            "records": self.records,
            "edited": [asdict(kept) for kept in self.edited],
            "blocked": [asdict(kept) for kept in self.blocked],
            "consents": [
                {"record": record, "channel": channel, "state": state}
                for record, channel, state in self.consents
            ],
            "given_back": [asdict(given) for given in self.given_back],
            "users": self.users,
            "routed": self.routed,
        }


def undo(engine: Engine, who: str, batch_id: int) -> Undone:
    """Take back a batch, in a transaction of its own, while no sync of its source runs.

    Once more, it takes back what was in the way the first time.

    Args:
        engine: the hub's database.
        who: who acts.
        batch_id: a sync, a migration or a live batch.

    Raises:
        ActionError: there is no such batch, it is not settled, or it is of another kind.
    """
    with source_locks(engine, _sources(engine, batch_id)):
        return run_transaction(engine, lambda conn: _undo(conn, who, batch_id))


def preview(engine: Engine, who: str, batch_id: int) -> Undone:
    """Return what taking back a batch would do; everything is done, and then not kept.

    Raises:
        ActionError: as for `undo`.
    """
    with source_locks(engine, _sources(engine, batch_id)), engine.connect() as conn:
        with conn.begin() as transaction:
            report = _undo(conn, who, batch_id)
            transaction.rollback()
        return report


def _sources(engine: Engine, batch_id: int) -> list[str]:
    with engine.begin() as conn:
        source = inputs.source_of(conn, batch_id)
    return [source] if source else []


def _undo(conn: Connection, who: str, batch_id: int) -> Undone:
    identity_lock(conn)
    company_lock(conn)
    batch = _settled(conn, batch_id)
    brought = inputs.brought(conn, batch.id)
    report = Undone(batch.id, batches.open_undo(conn, batch.id, batch.source, who))
    going = _sort_out(conn, batch, brought, report)
    stale = _take_back(conn, batch, going, report)
    kept = {record.key for record in brought} - {record.key for record in going}
    inputs.mark_raws_undone(conn, batch.id, report.undo, sorted(kept))
    load.refold(conn, sorted(stale))
    _clear(conn, batch, going, report, who=who)
    report.routed = [f"lead/{i}" for i in inputs.routed_meanwhile(conn, batch.id)]
    inputs.note_undone(conn, who, sorted(stale), batch.id)
    batches.mark_undone(conn, batch.id)
    return report


def _settled(conn: Connection, batch_id: int) -> Known:
    batch = inputs.batch(conn, batch_id)
    if batch is None:
        raise ActionError(
            f"there is no batch {batch_id}",
            resource="batch",
            code="not_found",
            hint="hub batches shows them",
        )
    if batch.kind not in KINDS:
        raise ActionError(
            f"batch {batch.id} is a {batch.kind}: it brought nothing from a source",
            resource="batch",
            code="invalid",
            hint="a mapping that is changed back and hub remap take back what a mapping did",
        )
    if not proofs.is_settled(conn, batch.id) or batch.state in {"running", "planned"}:
        raise ActionError(
            f"batch {batch.id} is not settled: it is {batch.state}, or records of it still wait",
            resource="batch",
            code="conflict",
            hint=f"first: hub sync {batch.source}",
        )
    return batch


def _sort_out(
    conn: Connection, batch: Known, brought: Sequence[Brought], report: Undone
) -> list[Brought]:
    """Return the records that go back; note the others, and why they stay."""
    people = [r for r in brought if r.target in _HAVE_ENTITIES and r.entity_id is not None]
    roots = sorted({r.entity_id for r in people if r.entity_id is not None})
    created_by = inputs.created_by(conn, batch.id, roots)
    edited = {created_by[e] for e in inputs.edited(conn, list(created_by))}
    built = {created_by[e]: name for e, name in rows.built_on(conn, list(created_by)).items()}
    decided = inputs.decided(conn, [r.id for r in people], batch.started_at)
    stays: dict[tuple[str, str, str], tuple[str, int | None]] = {}
    for record in brought:
        root = record.entity_id if record.target in _HAVE_ENTITIES else None
        if not record.is_latest:
            stays[record.key] = ("a later batch brought it again", root)
        elif root in built:
            stays[record.key] = (f"a {built[root]} hangs on it", root)
        elif root in decided:
            stays[record.key] = ("somebody decided who it is", root)
        elif root in edited:
            stays[record.key] = (_EDITED, root)
    _note_kept(conn, stays, report)
    return [record for record in brought if record.key not in stays]


_EDITED = "somebody has edited it since"


def _note_kept(
    conn: Connection,
    stays: dict[tuple[str, str, str], tuple[str, int | None]],
    report: Undone,
) -> None:
    named = rows.names_of(conn, {root for _, root in stays.values() if root is not None})
    together: dict[tuple[str, int | None], list[str]] = {}
    for key, reason in sorted(stays.items()):
        together.setdefault(reason, []).append("/".join(key))
    for (why, root), records in together.items():
        pile = report.edited if why == _EDITED else report.blocked
        pile.append(Kept(None if root is None else named.get(root), tuple(records), why))


def _take_back(
    conn: Connection, batch: Known, going: Sequence[Brought], report: Undone
) -> set[int]:
    """Take out and restore records, and match what is left; returns the entities that are stale."""
    ids = [r.id for r in going]
    report.consents = inputs.consents(conn, ids)
    co_members = {target: inputs.co_members(conn, ids, target) for target in _HAVE_ENTITIES}
    known = {r.id for r in going if r.was_known}
    again = inputs.restore(conn, batch.id, sorted(known))
    inputs.mark_undone(conn, sorted({*ids} - known), report.undo)
    lost, restored = {*ids} - known | again, known - again
    inputs.forget_links(conn, sorted(lost), sorted(restored))
    report.reverted["records"] = len(lost)
    report.reverted["restored"] = len(restored)
    report.records = sorted({r.name for r in going})
    stale: set[int] = set()
    for target, forget in ((ORGANISATION, _forget_companies), (PERSON, _forget_people)):
        of = {r.id for r in going if r.target == target}
        left = {i: entity for i, entity in co_members[target].items() if i not in lost}
        inputs.move_anchors(conn, sorted(lost & of), left)
        emptied = {*co_members[target].values()} - {*left.values()}
        parts = _Parts(sorted(lost & of), sorted(restored & of), left, sorted(emptied))
        stale |= forget(conn, parts) | {*left.values()}
    return stale


@dataclass(frozen=True, slots=True)
class _Parts:
    """Records of people, or of companies: taken out, restored, those beside them; who is empty."""

    lost: list[int]
    restored: list[int]
    left: dict[int, int]
    emptied: list[int]


def _forget_people(conn: Connection, of: _Parts) -> set[int]:
    return match.forget(conn, of.lost, of.restored, sorted(of.left.keys() - set(of.restored)))


def _forget_companies(conn: Connection, of: _Parts) -> set[int]:
    companies.forget(conn, of.lost, of.restored, of.left)
    set_keys(conn, dict.fromkeys(of.emptied, ()), is_company=True)
    rows.close_companies(conn, of.emptied)
    concerned = accounts.wake_people(conn, of.emptied)
    now = inputs.co_members(conn, [*of.restored, *of.left], ORGANISATION)
    return {*now.values(), *concerned}


def _clear(
    conn: Connection, batch: Known, going: Sequence[Brought], report: Undone, *, who: str
) -> None:
    """Delete the rows that nothing fills any more, and give back the turns that they took."""
    lost = _still_undone(conn, going)
    asked_again = reopened.asked_in(conn, [r.id for r in lost])
    report.reverted += rows.remove_children(
        conn, [r.id for r in lost], asked_in=list(PERSON_REFS.values())
    )
    _restore_tickets(conn, going, {r.id for r in lost})
    empty = rows.orphaned(conn, batch.id, [r.entity_id for r in lost if r.entity_id is not None])
    asked = {r.name for r in lost if r.target == "inquiry"}
    removed = rows.remove(conn, empty, batch_id=batch.id, undo_id=report.undo, asked=asked)
    report.reverted += removed.rows
    report.given_back = _give_back(conn, removed.turns)
    report.reverted["statuses"] = reopened.close_again(conn, who, asked_again, batch.id)
    users = [(r.source, r.source_id) for r in lost if r.target == "user"]
    gone, report.users = rows.forget_owners(conn, users, batch.id)
    report.reverted["users"] = gone


def _still_undone(conn: Connection, going: Sequence[Brought]) -> list[Brought]:
    marked = inputs.undone_of(conn, [r.id for r in going])
    return [r for r in going if r.id in marked]


def _restore_tickets(conn: Connection, going: Sequence[Brought], lost: set[int]) -> None:
    """Write tickets, and owners, as they were before."""
    ids = [r.id for r in going if r.id not in lost]
    stored = folding.by_id(conn, ids, "ticket")
    load.write_tickets(conn, stored)
    tickets.archive(conn, [r.id for r in stored if r.is_gone])
    for owner in folding.by_id(conn, ids, "user"):
        load.adopt(conn, owner)


def _give_back(conn: Connection, turns: Counter[tuple[int, int]]) -> list[GivenBack]:
    if not turns:
        return []
    given: list[GivenBack] = []
    people = {u.id: u.email or u.name for u in owners.users_by_email(conn).values()}
    for name, group in sorted(owners.lock_groups(conn).items()):
        state = route.group_state(group)
        mine = {u: n for (g, u), n in sorted(turns.items()) if g == group.id}
        for user_id in _each(mine.items()):
            state = give_back(state, user_id)
        present = {m.user_id for m in group.members}
        given += [GivenBack(name, people[u], n) for u, n in mine.items() if u in present]
        route.save_group(conn, group, state)
    return given


def _each(counts: Iterable[tuple[int, int]]) -> Iterable[int]:
    return (user_id for user_id, n in counts for _ in range(n))
