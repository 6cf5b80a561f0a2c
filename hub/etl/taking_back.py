"""Remove rows that the hub's own derivation no longer gives, as the undo of a batch does.

In: the fates of a chunk. The group owes the turn of such a lead to its member: the credit is written
under the groups' locks. Not here: which rows these are (`hub.golden.fate`).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import contacts, leads
from hub.crm import groups as stored
from hub.crm.removal import Orphaned, remove
from hub.etl.groups import credit_turns
from hub.golden.fate import LEAD, Fate
from hub.model.folding import FoldRecord


def take_back(
    conn: Connection, fates: Mapping[int, Fate], records: Mapping[int, Sequence[FoldRecord]]
) -> dict[str, int]:
    """Delete rows with their alerts; returns how many leads and contacts went.

    Args:
        conn: an open transaction that holds the entities, and no row of the CRM yet.
        fates: by entity.
        records: by entity; the newest of their batches counts as the cause.
    """
    going = {i: f.taken_back for i, f in fates.items() if f.taken_back}
    if not going:
        return {}
    rows = [row for own in going.values() for row in own]
    gone = Orphaned(
        sorted(number for kind, number in rows if kind == LEAD),
        sorted(number for kind, number in rows if kind != LEAD),
    )
    groups = stored.lock_all(conn)  # before the rows: every assignment locks in this order
    leads.revive(conn, leads.LEADS.parted_from(conn, gone.leads))
    contacts.revive(conn, contacts.CONTACTS.parted_from(conn, gone.contacts))
    cause = max(r.batch_id for i in going for r in records[i])
    removed = remove(conn, gone, undo_id=cause)
    credit_turns(conn, groups, removed.turns)
    return {"leads_taken_back": len(gone.leads), "contacts_taken_back": len(gone.contacts)}
