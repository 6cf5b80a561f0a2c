"""Which records of a batch go, and which stay and why. Reads only."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from hub.crm import references
from hub.undo import inputs, plain_rows
from hub.undo.inputs import HAVE_ENTITIES, Brought, Known
from hub.undo.report import Kept, Undone

EDITED = plain_rows.EDITED


def sort_out(
    conn: Connection,
    batch: Known,
    brought: Sequence[Brought],
    report: Undone,
    gone: Collection[int] = (),
) -> list[Brought]:
    """Return the records that go back; note in the report the others, and why they stay.

    Args:
        conn: an open transaction.
        batch: the batch.
        brought: records of it.
        report: gets the piles.
        gone: records of deals and activities that go before these.
    """
    stays_alone = plain_rows.staying(conn, brought, gone)
    plain = {r.id for r in brought if r.target in plain_rows.TARGETS}
    going = (plain - stays_alone.keys()) | {*gone}
    people = [r for r in brought if r.target in HAVE_ENTITIES and r.entity_id is not None]
    roots = sorted({r.entity_id for r in people if r.entity_id is not None})
    created_by = inputs.created_by(conn, batch.id, roots)
    edited = {created_by[e] for e in inputs.edited(conn, list(created_by))}
    built = {
        created_by[e]: name
        for e, name in references.built_on(conn, list(created_by), going).items()
    }
    decided = inputs.decided(conn, [r.id for r in people], batch.started_at)
    stays: dict[tuple[str, str, str], tuple[str, int | None]] = {}
    for record in brought:
        root = record.entity_id if record.target in HAVE_ENTITIES else None
        if record.id in stays_alone:
            stays[record.key] = (stays_alone[record.id], None)
        elif not record.is_latest:
            stays[record.key] = (plain_rows.LATER, root)
        elif root in built:
            stays[record.key] = (f"it has a {built[root]}", root)
        elif root in decided:
            stays[record.key] = ("a user has merged it", root)
        elif root in edited:
            stays[record.key] = (EDITED, root)
    _note_kept(conn, stays, report)
    return [record for record in brought if record.key not in stays]


def _note_kept(
    conn: Connection,
    stays: dict[tuple[str, str, str], tuple[str, int | None]],
    report: Undone,
) -> None:
    named = references.names_of(conn, {root for _, root in stays.values() if root is not None})
    together: dict[tuple[str, int | None], list[str]] = {}
    for key, reason in sorted(stays.items()):
        together.setdefault(reason, []).append("/".join(key))
    for (why, root), records in together.items():
        pile = report.edited if why == EDITED else report.blocked
        pile.append(Kept(None if root is None else named.get(root), tuple(records), why))
