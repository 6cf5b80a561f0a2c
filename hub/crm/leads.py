"""Leads and what belongs to them: the queries of load and route."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.crm import held
from hub.crm.companies import Links, arguments
from hub.crm.folded_rows import folded_rows
from hub.crm.tables import lead
from hub.frozen import dataclass
from hub.model.folding import LeadRow
from hub.records.entities import WHOLE

# a status that was set since the row was read is not the fold's any more
_FOLLOWS = "l.status_set_by IS NULL"
LEADS = folded_rows(
    lead,
    ("status", "unqualified_reason", "status_set_by", "converted_at", "last_activity_at",
     "owner_id", "legacy_owner", "account_id", "account_why", "contact_id", "lane", "batch_id",
     "archived_at", "unasked_since"),
    {"archived_at": None, "unasked_since": None, "converted_at": None,
     "source_converted_at": None, "status": _FOLLOWS, "unqualified_reason": _FOLLOWS},
)  # fmt: skip
FOLDED = LEADS.names

_MERGED = text(f"""
WITH RECURSIVE {WHOLE}
SELECT w.root, l.* FROM whole w CROSS JOIN LATERAL (
  SELECT id, entity_id, owner_id, status, unqualified_reason, status_set_by, converted_at,
    unasked_since, source_converted_at
  FROM crm.lead l WHERE l.entity_id = w.id OFFSET 0) l
WHERE w.id <> w.root ORDER BY l.id
""")  # noqa: S608 our own text


def of_absorbed(conn: Connection, entity_ids: Sequence[int]) -> dict[int, list[LeadRow]]:
    """Return the leads of those who were merged into these: surviving entity → leads."""
    found: dict[int, list[LeadRow]] = defaultdict(list)
    if not entity_ids:
        return found
    for root, *row in conn.execute(_MERGED, {"ids": list(entity_ids)}):
        found[root].append(LeadRow(*row))
    return found


_ABSORBED = text("""
SELECT m.id, s.id AS survivor, s.merged_into IS NULL AND s.owner_id IS NULL AS is_unowned,
       m.owner_id, m.merged_into IS NOT NULL AS was_merged
FROM crm.lead m LEFT JOIN crm.lead s ON s.entity_id = :survivor
WHERE m.entity_id = :entity AND (m.merged_into IS NULL OR m.merged_into <> s.id)
""")


def absorb(conn: Connection, merged: Mapping[int, int]) -> None:
    """Point the leads of merged entities to their survivors (merged entity → surviving entity).

    A survivor without an owner takes the owner of the lead that it absorbs, until an unmerge.
    """
    for entity, survivor in sorted(merged.items()):
        row = conn.execute(_ABSORBED, {"entity": entity, "survivor": survivor}).one_or_none()
        if row is None:
            continue
        if row.was_merged:
            held.remove_taken_owners(conn, "lead", [entity], write=set_owner)
        if row.is_unowned and row.owner_id is not None:
            held.take_over(conn, "lead", survivor, row.owner_id, entity, write=set_owner)
        conn.execute(
            text(
                "UPDATE crm.lead SET merged_into = :survivor, "
                "archived_at = coalesce(archived_at, now()) WHERE id = :id"
            ),
            {"id": row.id, "survivor": row.survivor},
        )


def revive(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Leads whose entities hold records again are separate leads; no fold wakes a converted one."""
    if not entity_ids:
        return
    held.remove_taken_owners(conn, "lead", entity_ids, write=set_owner)
    conn.execute(
        text(
            "UPDATE crm.lead SET merged_into = NULL, archived_at = CASE WHEN converted_at IS NULL "
            "THEN archived_at END WHERE merged_into IS NOT NULL AND entity_id = ANY(:e)"
        ),
        {"e": list(entity_ids)},
    )


@dataclass(frozen=True, slots=True)
class UnownedLead:
    """A lead that has no owner yet, with the fields that routing rules may read.

    `is_converted`: here; `is_left`: here, or by its source while a user works on it.
    """

    entity_id: int
    stable_key: str
    values: Mapping[str, Any]
    legacy_owner: str | None
    is_converted: bool
    is_left: bool
    lane: str


_UNOWNED = text("""
SELECT l.*, s.source, s.source || '/' || s.stream || '/' || s.source_id AS stable_key,
  (SELECT a.owner_id FROM crm.contact a
   WHERE a.id = l.account_id AND a.archived_at IS NULL) AS account_owner_id
FROM crm.lead l
JOIN ops.entity e ON e.id = l.entity_id
JOIN ops.source_record s ON s.id = e.anchor_id
WHERE l.owner_id IS NULL AND l.archived_at IS NULL AND l.merged_into IS NULL
  AND (l.lane = 'live' OR :bulk)
ORDER BY l.created_at NULLS LAST, s.source, s.source_id LIMIT :limit FOR UPDATE OF l SKIP LOCKED
""")


def take_unowned(conn: Connection, limit: int, *, bulk: bool) -> list[UnownedLead]:
    """Lock leads without an owner in the order in which turns are due.

    Args:
        conn: an open transaction that holds the groups' locks.
        limit: rows at most.
        bulk: also take leads of initial loads; only when those are completely loaded, so that
            the order of turns is the order of the source's dates and not of arrival.
    """
    rows = conn.execute(_UNOWNED, {"limit": limit, "bulk": bulk}).mappings()
    return [
        UnownedLead(
            row["entity_id"],
            row["stable_key"],
            dict(row),
            row["legacy_owner"],
            row["converted_at"] is not None,
            row["converted_at"] is not None or row["source_converted_at"] is not None,
            row["lane"],
        )
        for row in rows
    ]


_FIELDS = text("""
SELECT l.*, s.source, (SELECT a.owner_id FROM crm.contact a
   WHERE a.id = l.account_id AND a.archived_at IS NULL) AS account_owner_id
FROM crm.lead l
JOIN ops.entity e ON e.id = l.entity_id
JOIN ops.source_record s ON s.id = e.anchor_id
WHERE l.id = ANY(:ids)
""")


def routing_fields(conn: Connection, lead_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the present fields of leads that routing rules may read: lead → columns."""
    rows = conn.execute(_FIELDS, {"ids": list(lead_ids)}).mappings()
    return {row["id"]: dict(row) for row in rows}


# in the order of the index, so that PostgreSQL uses it with any statistics
_ANY_UNOWNED = text("""
SELECT 1 FROM crm.lead WHERE owner_id IS NULL AND archived_at IS NULL AND merged_into IS NULL
ORDER BY created_at, id LIMIT 1
""")


def any_unowned(conn: Connection) -> bool:
    """Tell whether a lead waits for an owner."""
    return conn.execute(_ANY_UNOWNED).first() is not None


_UNOWNED_N = text("""
SELECT count(*) FROM crm.lead WHERE owner_id IS NULL AND archived_at IS NULL
  AND merged_into IS NULL AND (CAST(:batch AS bigint) IS NULL OR batch_id = :batch)
""")


def unowned_n(conn: Connection, batch_id: int | None = None) -> int:
    """Count leads that wait for an owner, of one batch or of all."""
    return int(conn.execute(_UNOWNED_N, {"batch": batch_id}).scalar_one())


@dataclass(frozen=True, slots=True)
class LoadedCount:
    """The number of leads of an initial load that an owner has, without a notification yet."""

    user_id: int
    batch_id: int
    source: str
    leads_n: int


# A batch that has ended was notified; a lead of it that changes hands later is no part of a digest.
_UNTOLD = text("""
SELECT l.owner_id, b.id, b.source, count(*)
FROM ops.batch b CROSS JOIN LATERAL (
  SELECT * FROM crm.lead WHERE batch_id = b.id AND lane = 'bulk' OFFSET 0) l
WHERE b.state IN ('running', 'partial') AND l.owner_id IS NOT NULL
  AND l.converted_at IS NULL AND l.archived_at IS NULL AND l.merged_into IS NULL
  AND NOT EXISTS (SELECT 1 FROM ops.outbox o WHERE o.event = 'leads_digest'
                  AND o.user_id = l.owner_id AND o.payload -> 'batches' @> to_jsonb(b.id))
GROUP BY l.owner_id, b.id, b.source ORDER BY l.owner_id, b.id
""")


def without_digest(conn: Connection) -> list[LoadedCount]:
    """Return the leads of running initial loads, for owners without a notification."""
    return [LoadedCount(*row) for row in conn.execute(_UNTOLD)]


def assign(conn: Connection, owners: Mapping[int, int | None]) -> None:
    """Give leads their owners (lead → user); call in the transaction that keeps the turn."""
    if owners:
        conn.execute(
            text(
                "UPDATE crm.lead l SET owner_id = o.owner FROM unnest(CAST(:l AS bigint[]), "
                "CAST(:o AS bigint[])) AS o(lead, owner) WHERE l.id = o.lead"
            ),
            {"l": list(owners), "o": list(owners.values())},
        )


def set_status(
    conn: Connection, lead_ids: Sequence[int], status: str, reason: str | None, *, by: str | None
) -> None:
    """Write the status of leads, and what holds it: a person, an inquiry, or only the sources."""
    conn.execute(
        text(
            "UPDATE crm.lead SET status = :status, unqualified_reason = :reason, "
            "status_set_by = :by WHERE id = ANY(:ids)"
        ),
        {"ids": list(lead_ids), "status": status, "reason": reason, "by": by},
    )


_CONVERT = text("""
UPDATE crm.lead l SET converted_at = coalesce(l.converted_at, now()), source_converted_at = NULL,
  unasked_since = NULL, contact_id = n.contact, owner_id = coalesce(l.owner_id, n.owner)
FROM unnest(CAST(:leads AS bigint[]), CAST(:contacts AS bigint[]), CAST(:owners AS bigint[]))
  AS n(lead, contact, owner)
WHERE l.id = n.lead
""")


@dataclass(frozen=True, slots=True)
class Became:
    """A lead that is converted: the contact that it became, and an owner if it has none."""

    lead_id: int
    contact_id: int
    owner_id: int | None


def convert(conn: Connection, became: Sequence[Became]) -> None:
    """Freeze leads' rows: what their sources say later belongs to the contacts."""
    conn.execute(
        _CONVERT,
        {
            "leads": [one.lead_id for one in became],
            "contacts": [one.contact_id for one in became],
            "owners": [one.owner_id for one in became],
        },
    )


_RESTORE = text("""
UPDATE crm.lead l SET converted_at = n.at, contact_id = n.contact, owner_id = n.owner
FROM unnest(CAST(:leads AS bigint[]), CAST(:at AS timestamptz[]), CAST(:contacts AS bigint[]),
            CAST(:owners AS bigint[])) AS n(lead, at, contact, owner)
WHERE l.id = n.lead
""")


def restore(conn: Connection, before: Mapping[int, Mapping[str, Any]]) -> None:
    """Write back what leads' rows held before they were converted: lead → its columns."""
    conn.execute(
        _RESTORE,
        {
            "leads": list(before),
            "at": [one["converted_at"] for one in before.values()],
            "contacts": [one["contact_id"] for one in before.values()],
            "owners": [one["owner_id"] for one in before.values()],
        },
    )


_POINT_TO_ACCOUNTS = text("""
UPDATE crm.lead l SET account_id = s.company,
  account_why = CASE WHEN s.company IS NOT NULL THEN s.why END
FROM unnest(CAST(:p AS bigint[]), CAST(:c AS bigint[]), CAST(:w AS text[])) AS s(person, company, why)
WHERE l.entity_id = s.person AND l.entity_id = ANY(:p)
  AND (l.account_id IS DISTINCT FROM s.company
       OR (s.company IS NOT NULL AND l.account_why IS DISTINCT FROM s.why))
""")


def point_to_accounts(conn: Connection, accounts: Links) -> None:
    """Give leads that exist their account."""
    if accounts:
        conn.execute(_POINT_TO_ACCOUNTS, arguments(accounts))


@dataclass(frozen=True, slots=True)
class Inherited:
    """A lead that went to the owner of its contact."""

    lead_id: int
    entity_id: int
    owner_id: int
    is_news: bool


def link_to_contacts(conn: Connection, entity_ids: Sequence[int]) -> list[Inherited]:
    """Link the leads of these entities to the contact of the same person, if there is one.

    A lead without an owner goes to the contact's owner, unless that one has left; returns
    these leads.
    """
    if not entity_ids:
        return []
    rows = conn.execute(
        text(
            "WITH known AS (SELECT b.id, b.owner_id IS NULL AS is_new, c.id AS contact_id, c.owner_id "
            "FROM unnest(CAST(:e AS bigint[])) AS n(entity) CROSS JOIN LATERAL ("
            "  SELECT c.* FROM crm.contact c WHERE c.entity_id = n.entity OFFSET 0) c "
            "CROSS JOIN LATERAL ("
            "  SELECT id, owner_id FROM crm.lead b WHERE b.entity_id = n.entity OFFSET 0) b "
            "WHERE c.merged_into IS NULL AND c.archived_at IS NULL) "
            "UPDATE crm.lead l SET contact_id = k.contact_id, owner_id = coalesce(l.owner_id, "
            '(SELECT u.id FROM crm."user" u WHERE u.id = k.owner_id AND u.is_active)) '
            "FROM known k WHERE l.id = k.id AND l.entity_id = ANY(:e) "
            "AND l.contact_id IS DISTINCT FROM k.contact_id "
            "RETURNING l.id, l.entity_id, l.owner_id, k.is_new, "
            "l.lane = 'live' AND l.converted_at IS NULL AND l.archived_at IS NULL AS is_news"
        ),
        {"e": list(entity_ids)},
    )
    taken = [
        Inherited(row.id, row.entity_id, row.owner_id, row.is_news)
        for row in rows
        if row.is_new and row.owner_id is not None
    ]
    return sorted(taken, key=lambda lead: lead.lead_id)


def unlink_contacts(conn: Connection, contact_ids: Sequence[int]) -> None:
    """Remove the links of open leads to contacts."""
    conn.execute(
        text(
            "UPDATE crm.lead SET contact_id = NULL "
            "WHERE contact_id = ANY(:ids) AND converted_at IS NULL"
        ),
        {"ids": list(contact_ids)},
    )


_LET_GO = (
    text("UPDATE crm.lead SET merged_into = NULL WHERE merged_into = ANY(:leads)"),
    text("UPDATE crm.lead SET contact_id = NULL WHERE contact_id = ANY(:contacts)"),
    text(
        "UPDATE crm.lead SET account_id = NULL, account_why = NULL WHERE account_id = ANY(:contacts)"
    ),
)


def let_go(conn: Connection, leads: Sequence[int], contacts: Sequence[int]) -> None:
    """Clear references of leads to leads and contacts that are removed."""
    for statement in _LET_GO:
        conn.execute(statement, {"leads": list(leads), "contacts": list(contacts)})


def delete(conn: Connection, lead_ids: Sequence[int]) -> int:
    """Delete leads to which nothing refers; returns how many."""
    done = conn.execute(text("DELETE FROM crm.lead WHERE id = ANY(:ids)"), {"ids": list(lead_ids)})
    return done.rowcount


def set_owner(conn: Connection, entity_id: int, owner_id: int | None) -> None:
    """Write the owner of an entity's lead; None: no owner."""
    conn.execute(
        text("UPDATE crm.lead SET owner_id = :owner WHERE entity_id = :entity"),
        {"owner": owner_id, "entity": entity_id},
    )
