"""The rows of the CRM that a batch made, taken away again.

Leads, contacts, tickets, inquiries, notes, alerts, adopted owners. What was sent stays sent, and a
turn stays in its history without its lead. Not here: folding what remains.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, text

from hub.crm import alerts, contacts, conversions, deals, inquiries, leads, notes, tickets
from hub.crm import owners as people
from hub.crm.references import PIPELINES_OWN, pointing_at
from hub.crm.tables import user
from hub.db import outbox
from hub.model.events import inquiry_key
from hub.records import assignments


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row that came into the CRM with a batch.

    Args:
        table: lead or contact.
        id: its number.
        entity_id: who it is of.
        asks: the record kind that justifies the row: lead, contact, organisation.
        is_merged: its person, or company, is merged into another.
        anchor_id: the record that its person began with.
        is_anchor_out: that record was taken out.
    """

    table: str
    id: int
    entity_id: int
    asks: str
    is_merged: bool
    anchor_id: int
    is_anchor_out: bool


# What the batches of one sync make together bears the number of one of them, hence the time.
_MADE = text("""
SELECT r.made, r.id, r.entity_id, r.asks, e.merged_into IS NOT NULL AS is_merged, e.anchor_id,
       a.withdrawn_by IS NOT NULL AS is_anchor_out
FROM (
  SELECT 'lead' AS made, id, entity_id, batch_id, recorded_at, 'lead' AS asks FROM crm.lead
  WHERE entity_id = ANY(:ids)
  UNION ALL
  SELECT 'contact', id, entity_id, batch_id, recorded_at,
         CASE WHEN is_organization THEN 'organisation' ELSE 'contact' END FROM crm.contact
  WHERE entity_id = ANY(:ids) AND kept_by = 'source'
) r JOIN ops.batch b ON b.id = :batch AND (r.batch_id = b.id OR r.recorded_at >= b.started_at)
JOIN ops.entity e ON e.id = r.entity_id JOIN ops.source_record a ON a.id = e.anchor_id
ORDER BY r.made, r.id
""")


def made_rows(conn: Connection, batch_id: int, entity_ids: Sequence[int]) -> list[MadeRow]:
    """Return the rows of people and companies that came into the CRM with a batch, or since."""
    return [
        MadeRow(*row) for row in conn.execute(_MADE, {"batch": batch_id, "ids": list(entity_ids)})
    ]


# probed by entity: read by target, the table is read whole
_STANDING = text("""
SELECT DISTINCT i.id AS entity_id, r.asks FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (
  SELECT coalesce(role, target) AS asks, target FROM ops.source_record
  WHERE entity_id = i.id AND withdrawn_by IS NULL OFFSET 0) r
WHERE r.target IN ('person', 'organisation')
""")


def standing(conn: Connection, entity_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the rows that records of people justify: lead, contact, organisation."""
    found: dict[int, set[str]] = {}
    for row in conn.execute(_STANDING, {"ids": list(entity_ids)}):
        found.setdefault(row.entity_id, set()).add(row.asks)
    return found


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Rows without a source record in force."""

    leads: list[int]
    contacts: list[int]


def orphaned(
    conn: Connection,
    made: Iterable[MadeRow],
    asked: Mapping[int, Collection[str]],
    out: Collection[int],
    going: Collection[int] = (),
) -> Orphaned:
    """Return the rows that nothing fills now, but for those on which people have built.

    Args:
        conn: an open connection.
        made: rows that a batch made.
        asked: the kinds of rows that the remaining records of each person and company justify.
        out: records that were taken out, or say again what they said before: who began with one
            and is merged into another did not exist before the batch.
        going: records of deals and activities whose rows are about to go.
    """
    empty = [
        row
        for row in made
        if row.asks not in asked.get(row.entity_id, ())
        and (not row.is_merged or row.is_anchor_out or row.anchor_id in out)
    ]
    leads = {row.id for row in empty if row.table == "lead"}
    contacts = {row.id for row in empty if row.table == "contact"}
    return Orphaned(
        _free(conn, "crm.lead", leads, going),
        _free(conn, "crm.contact", contacts, going),
    )


def _free(conn: Connection, table: str, ids: Collection[int], going: Collection[int]) -> list[int]:
    built = pointing_at(conn, table, sorted(ids), but=PIPELINES_OWN, going=going)
    return sorted({*ids} - built.keys())


@dataclass(slots=True)
class Removed:
    """How many rows went, by kind, and the turns that they had taken: (group, user) → n."""

    rows: Counter[str] = field(default_factory=Counter)
    turns: Counter[tuple[int, int]] = field(default_factory=Counter)


DIGESTS = text("""
SELECT o.dedupe_key FROM ops.outbox o
WHERE o.event = 'leads_digest' AND o.payload -> 'batches' @> to_jsonb(CAST(:batch AS bigint))
  AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(o.payload -> 'batches') AS told
                  JOIN ops.batch b ON b.id = CAST(told AS bigint)
                  WHERE b.id <> :batch AND b.state <> 'undone')
""")


def remove(
    conn: Connection,
    going: Orphaned,
    *,
    undo_id: int,
    asked: Iterable[str] = (),
) -> Removed:
    """Delete rows with their alerts; assignments and what was sent stay, without them.

    Args:
        conn: an open transaction.
        going: leads and contacts.
        undo_id: the batch that takes them away: an undo, or a batch that derives again.
        asked: `source/stream/id` of the inquiries that go with them.
    """
    done = Removed()
    keys = [inquiry_key(name) for name in asked]
    done.turns.update(assignments.let_go(conn, going.leads, going.contacts, undo_id))
    done.rows["alerts"] = alerts.remove(conn, going.leads, going.contacts, keys)
    outbox.let_go(conn, going.leads, going.contacts, keys, undo_id)
    deals.forget_leads(conn, going.leads)
    conversions.forget_by_sources(conn, going.leads)
    conversions.lose(conn, contacts=going.contacts)
    leads.let_go(conn, going.leads, going.contacts)
    contacts.let_go(conn, going.contacts)
    done.rows["leads"] = leads.delete(conn, going.leads)
    done.rows["contacts"] = contacts.delete(conn, going.contacts)
    return done


def remove_digests(conn: Connection, batch_id: int, undo_id: int) -> int:
    """Delete the alerts of digests about this batch and about no remaining batch.

    Returns:
        How many alerts.
    """
    keys = list(conn.execute(DIGESTS, {"batch": batch_id}).scalars())
    outbox.let_go(conn, [], [], keys, undo_id)
    return alerts.remove(conn, [], [], keys)


def remove_children(
    conn: Connection, record_ids: Sequence[int], *, asked_in: Sequence[str]
) -> Counter[str]:
    """Delete the children of undone records; tickets that they requested lose the requester."""
    done = Counter(
        inquiries=inquiries.delete_of_records(conn, record_ids),
        notes=notes.delete_of_records(conn, record_ids),
        tickets=tickets.delete_of_records(conn, record_ids),
    )
    tickets.let_go(conn, record_ids, asked_in=asked_in)
    return done


ADOPTED = text("""
SELECT u.id FROM crm."user" u
JOIN ops.batch b ON b.id = :batch AND u.managed_by = b.source AND u.recorded_at >= b.started_at
WHERE u.id = ANY(:ids) AND NOT EXISTS (SELECT 1 FROM ops.assignment t WHERE t.user_id = u.id)
  AND NOT EXISTS (SELECT 1 FROM ops.outbox o WHERE o.user_id = u.id)
  AND NOT EXISTS (SELECT 1 FROM ops.delivery d WHERE d.user_id = u.id)
""")


def forget_owners(
    conn: Connection, owners: Sequence[tuple[str, str]], batch_id: int
) -> tuple[int, list[str]]:
    """Disown a source's owners (source, id), and delete who is here for their sake alone.

    Returns:
        How many users went, and the names of users who stay because records belong to them.
    """
    if not owners:
        return 0, []
    ids = people.disown(conn, owners)
    adopted = set(conn.execute(ADOPTED, {"ids": ids, "batch": batch_id}).scalars())
    needed = set(pointing_at(conn, 'crm."user"', sorted(adopted)))
    gone = adopted - needed
    people.delete_users(conn, gone)
    names = conn.execute(select(user.c.name).where(user.c.id.in_(sorted(needed)))).scalars()
    return len(gone), sorted(names)
