"""Contacts: people and organisations who are customers or close to it.

Folded columns, an owner taken over from a source, the link from a lead to its contact.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from hub.crm import held, leads
from hub.crm.companies import Links, arguments
from hub.crm.folded_rows import folded_rows
from hub.crm.tables import contact
from hub.model.entities import folded_names
from hub.model.folding import ContactRow
from hub.records.entities import WHOLE
from hub.records.history import Changed, note_changes

CONTACTS = folded_rows(
    contact,
    (
        "owner_id",
        "company_id",
        "last_activity_at",
        "batch_id",
        "is_organization",
        "archived_at",
        "unasked_since",
    ),
    {"archived_at": None, "unasked_since": None},
)

_MERGED = text(f"""
WITH RECURSIVE {WHOLE}
SELECT w.root, c.* FROM whole w CROSS JOIN LATERAL (
  SELECT id, entity_id, owner_id, kept_by = 'person', archived_at, unasked_since
  FROM crm.contact c WHERE c.entity_id = w.id AND kept_by <> 'nobody' OFFSET 0) c
WHERE w.id <> w.root ORDER BY c.id
""")  # noqa: S608 our own text


def of_absorbed(conn: Connection, entity_ids: Sequence[int]) -> dict[int, list[ContactRow]]:
    """Return the contacts of those who were merged into these: surviving entity → contacts.

    Who absorbed a contact that people keep is kept as well, until the two are taken apart.
    """
    found: dict[int, list[ContactRow]] = defaultdict(list)
    if not entity_ids:
        return found
    for root, *row in conn.execute(_MERGED, {"ids": list(entity_ids)}):
        found[root].append(ContactRow(*row))
    return found


def owned(conn: Connection, entity_ids: Sequence[int]) -> set[int]:
    """Return the entities that are contacts with an owner in the team."""
    rows = conn.execute(
        text(
            'SELECT c.entity_id FROM crm.contact c JOIN crm."user" u ON u.id = c.owner_id '
            "AND u.is_active WHERE c.entity_id = ANY(:e) AND c.merged_into IS NULL "
            "AND c.archived_at IS NULL"
        ),
        {"e": list(entity_ids)},
    )
    return set(rows.scalars())


def owners_of(conn: Connection, contact_ids: Collection[int]) -> dict[int, int]:
    """Return the owners of contacts that are not archived: contact → user."""
    if not contact_ids:
        return {}
    rows = conn.execute(
        text(
            "SELECT id, owner_id FROM crm.contact WHERE id = ANY(:ids) "
            "AND archived_at IS NULL AND owner_id IS NOT NULL"
        ),
        {"ids": sorted(contact_ids)},
    )
    return {row.id: row.owner_id for row in rows}


def accounts_of(conn: Connection, lead_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the rows of the accounts of leads that are not archived: lead → columns."""
    rows = conn.execute(
        text(
            "SELECT l.id AS of_lead, c.* FROM crm.lead l JOIN crm.contact c ON c.id = l.account_id "
            "WHERE l.id = ANY(:ids) AND c.archived_at IS NULL"
        ),
        {"ids": sorted(lead_ids)},
    ).mappings()
    return {row["of_lead"]: {k: v for k, v in row.items() if k != "of_lead"} for row in rows}


def revive(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Contacts whose entities hold records again are separate contacts."""
    if not entity_ids:
        return
    held.remove_taken_owners(conn, "contact", entity_ids, write=set_owner)
    conn.execute(
        text(
            "UPDATE crm.contact SET merged_into = NULL, archived_at = CASE kept_by "
            "WHEN 'person' THEN NULL ELSE archived_at END "
            "WHERE merged_into IS NOT NULL AND entity_id = ANY(:e)"
        ),
        {"e": list(entity_ids)},
    )


def employers_of(conn: Connection, entity_ids: Sequence[int]) -> list[int]:
    """Return the entities of the companies that people work for, as their contacts say now."""
    if not entity_ids:
        return []
    rows = conn.execute(
        text(
            "SELECT DISTINCT o.entity_id FROM crm.contact c JOIN crm.contact o ON o.id = c.company_id "
            "WHERE c.entity_id = ANY(:e)"
        ),
        {"e": list(entity_ids)},
    )
    return list(rows.scalars())


def take_up(conn: Connection, contact_ids: Sequence[int]) -> None:
    """Contacts that users had given up are required by a source again."""
    if contact_ids:
        conn.execute(
            text("UPDATE crm.contact SET kept_by = 'source' WHERE id = ANY(:ids)"),
            {"ids": list(contact_ids)},
        )


# only of the lead that it was itself: a contact of another source has its own owner, or none
_INHERITED = text("""
UPDATE crm.contact c SET owner_id = l.owner_id
FROM crm.lead l
WHERE l.entity_id = ANY(:ids) AND c.entity_id = l.entity_id AND c.owner_id IS NULL
  AND l.owner_id IS NOT NULL AND c.merged_into IS NULL
  AND num_nonnulls(l.converted_at, l.source_converted_at) > 0
  AND EXISTS (
    SELECT 1 FROM ops.source_record s JOIN ops.record_version v ON v.record_id = s.id
    WHERE s.entity_id = l.entity_id AND s.target = 'person' AND s.role = 'contact'
      AND v.role = 'lead' AND v.gone_at IS NULL AND v.withdrawn_by IS NULL)
RETURNING c.entity_id, c.owner_id
""")


def inherit_owners(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Give contacts without an owner the owner of the lead that they were; the history has it."""
    if entity_ids:
        rows = conn.execute(_INHERITED, {"ids": list(entity_ids)}).all()
        what = [
            Changed({"owner_id": (None, row.owner_id)}, entity_id=row.entity_id) for row in rows
        ]
        note_changes(conn, "sync", what)


_UNOWNED = text("""
SELECT m.entity_id, s.entity_id, m.owner_id
FROM crm.contact m JOIN ops.entity e ON e.id = m.entity_id
JOIN crm.contact s ON s.entity_id = e.merged_into
WHERE m.entity_id = ANY(:m) AND m.merged_into IS DISTINCT FROM s.id
  AND s.owner_id IS NULL AND m.owner_id IS NOT NULL
ORDER BY m.entity_id
""")


def absorb(conn: Connection, merged: Mapping[int, int]) -> None:
    """Point the contacts of merged entities to their survivors, where these have a contact.

    A survivor without an owner takes the owner of the contact that it absorbs.
    """
    if merged:
        for entity, survivor, owner in conn.execute(_UNOWNED, {"m": list(merged)}).all():
            if merged[entity] == survivor:
                held.take_over(conn, "contact", survivor, owner, entity, write=set_owner)
        conn.execute(
            text(
                "UPDATE crm.contact m SET merged_into = s.id, "
                "archived_at = coalesce(m.archived_at, now()) "
                "FROM unnest(CAST(:m AS bigint[]), CAST(:s AS bigint[])) AS p(merged, survivor) "
                "JOIN crm.contact s ON s.entity_id = p.survivor "
                "WHERE m.entity_id = p.merged AND m.merged_into IS DISTINCT FROM s.id"
            ),
            {"m": list(merged), "s": list(merged.values())},
        )


def assign(conn: Connection, owners: Mapping[int, int | None]) -> None:
    """Give contacts their owners (contact → user)."""
    if owners:
        conn.execute(
            text(
                "UPDATE crm.contact r SET owner_id = o.owner FROM unnest(CAST(:ids AS bigint[]), "
                "CAST(:owners AS bigint[])) AS o(id, owner) WHERE r.id = o.id"
            ),
            {"ids": list(owners), "owners": list(owners.values())},
        )


_POINT_TO_EMPLOYERS = text("""
UPDATE crm.contact t SET company_id = s.company
FROM unnest(CAST(:p AS bigint[]), CAST(:c AS bigint[]), CAST(:w AS text[])) AS s(person, company, why)
WHERE t.entity_id = s.person AND t.entity_id = ANY(:p) AND NOT t.is_organization
  AND t.company_id IS DISTINCT FROM s.company
""")


def point_to_employers(conn: Connection, employers: Links) -> None:
    """Give contacts that exist the company they work for."""
    if employers:
        conn.execute(_POINT_TO_EMPLOYERS, arguments(employers))


_COPIED = ", ".join(folded_names("lead"))
_MAKE_PEOPLE = text(
    f"INSERT INTO crm.contact ({_COPIED}, entity_id, owner_id, batch_id, kept_by, last_activity_at, "  # noqa: S608 our own names
    "last_communication_at, next_task_at) "
    f"SELECT {', '.join(f'l.{name.strip()}' for name in _COPIED.split(','))}, l.entity_id, n.owner, l.batch_id, 'person', l.last_activity_at, "
    "l.last_communication_at, l.next_task_at "
    "FROM unnest(CAST(:leads AS bigint[]), CAST(:owners AS bigint[])) WITH ORDINALITY "
    "AS n(lead, owner, ord) JOIN crm.lead l ON l.id = n.lead ORDER BY n.ord "
    "ON CONFLICT (entity_id) DO UPDATE SET kept_by = 'person', archived_at = NULL, "
    "owner_id = coalesce(contact.owner_id, excluded.owner_id) RETURNING entity_id, id"
)


def make_of_leads(conn: Connection, owners: Mapping[int, int | None]) -> dict[int, int]:
    """Make the contacts of people who are leads (lead → owner); one that is there is kept from now on.

    Returns:
        Entity → contact.
    """
    if not owners:
        return {}
    args = {"leads": list(owners), "owners": list(owners.values())}
    return dict(conn.execute(_MAKE_PEOPLE, args).all())


_WRITE_KEEPERS = text("""
UPDATE crm.contact c SET kept_by = n.kept_by, owner_id = n.owner, archived_at = n.archived_at
FROM unnest(CAST(:ids AS bigint[]), CAST(:kept_by AS text[]), CAST(:owners AS bigint[]),
            CAST(:archived_at AS timestamptz[])) AS n(id, kept_by, owner, archived_at)
WHERE c.id = n.id
""")


def write_keepers(conn: Connection, wanted: Mapping[int, Mapping[str, Any]]) -> None:
    """Write back who keeps contacts, who owns them, and whether they are archived."""
    if wanted:
        conn.execute(
            _WRITE_KEEPERS,
            {
                "ids": list(wanted),
                "kept_by": [one["kept_by"] for one in wanted.values()],
                "owners": [one["owner_id"] for one in wanted.values()],
                "archived_at": [one["archived_at"] for one in wanted.values()],
            },
        )


def write_keeper(conn: Connection, contact_id: int, values: Mapping[str, Any]) -> None:
    """Write back who keeps a contact, who owns it, and whether it is archived."""
    write_keepers(conn, {contact_id: values})


def remove(conn: Connection, contact_ids: Sequence[int]) -> set[int]:
    """Delete contacts; one that is referred to is archived instead. Returns the deleted ones."""
    if not contact_ids:
        return set()
    leads.unlink_contacts(conn, contact_ids)
    try:
        with conn.begin_nested():
            delete(conn, contact_ids)
    except IntegrityError:
        if len(contact_ids) > 1:
            return set().union(*(remove(conn, [one]) for one in contact_ids))
        conn.execute(_LEAVE, {"ids": list(contact_ids)})
        return set()
    return set(contact_ids)


_LEAVE = text(
    "UPDATE crm.contact SET archived_at = coalesce(archived_at, now()), "
    "unasked_since = NULL, kept_by = 'nobody' WHERE id = ANY(:ids)"
)
_LET_GO = (
    text("UPDATE crm.contact SET merged_into = NULL WHERE merged_into = ANY(:ids)"),
    text("UPDATE crm.contact SET company_id = NULL WHERE company_id = ANY(:ids)"),
    text("UPDATE crm.contact SET parent_id = NULL WHERE parent_id = ANY(:ids)"),
)


def let_go(conn: Connection, contact_ids: Sequence[int]) -> None:
    """Clear references of contacts to contacts that are removed."""
    for statement in _LET_GO:
        conn.execute(statement, {"ids": list(contact_ids)})


def delete(conn: Connection, contact_ids: Sequence[int]) -> int:
    """Delete contacts to which nothing refers; returns how many."""
    done = conn.execute(
        text("DELETE FROM crm.contact WHERE id = ANY(:ids)"), {"ids": list(contact_ids)}
    )
    return done.rowcount


def set_owner(conn: Connection, entity_id: int, owner_id: int | None) -> None:
    """Write the owner of an entity's contact; None: no owner."""
    conn.execute(
        text("UPDATE crm.contact SET owner_id = :owner WHERE entity_id = :entity"),
        {"owner": owner_id, "entity": entity_id},
    )


_CLOSE_COMPANIES = text("""
UPDATE crm.contact SET archived_at = coalesce(archived_at, now())
WHERE is_organization AND entity_id = ANY(:ids)
""")


def close_companies(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Delete the keys of companies without a record, so that no look-up finds them."""
    conn.execute(_CLOSE_COMPANIES, {"ids": list(entity_ids)})


def entities_of(conn: Connection, contact_ids: Sequence[int]) -> list[int]:
    """Return the people and companies of contacts."""
    rows = conn.execute(
        text("SELECT entity_id FROM crm.contact WHERE id = ANY(:ids)"), {"ids": list(contact_ids)}
    )
    return list(rows.scalars())


def entity_of(conn: Connection, contact_ids: Collection[int]) -> dict[int, int]:
    """Return contact → its entity."""
    rows = conn.execute(
        text("SELECT id, entity_id FROM crm.contact WHERE id = ANY(:ids)"),
        {"ids": list(contact_ids)},
    )
    return dict(rows.all())


def point_to_parents(conn: Connection, parents: Mapping[int, int | None]) -> None:
    """Write the parents of companies (row → parent's row)."""
    if parents:
        conn.execute(
            text(
                "UPDATE crm.contact c SET parent_id = n.parent FROM unnest(CAST(:ids AS bigint[]), "
                "CAST(:parents AS bigint[])) AS n(id, parent) WHERE c.id = n.id"
            ),
            {"ids": list(parents), "parents": list(parents.values())},
        )
