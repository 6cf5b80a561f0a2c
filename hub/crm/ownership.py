"""Who owns leads, contacts and deals: locked, read and written for one record or for many.

A distribution group is locked before the records that it distributes, as in routing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.crm import contacts, deals, leads
from hub.frozen import dataclass

KINDS = ("lead", "contact", "deal")


@dataclass(frozen=True, slots=True)
class Owned:
    """A record and its owner; of a deal `entity_id` is None."""

    id: int
    entity_id: int | None
    owner_id: int | None


_OWNED = {
    "lead": text(
        "SELECT id, entity_id, owner_id FROM crm.lead WHERE id = ANY(:ids) "
        "AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE"
    ),
    "contact": text(
        "SELECT id, entity_id, owner_id FROM crm.contact WHERE id = ANY(:ids) "
        "AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE"
    ),
    "deal": text(
        "SELECT id, CAST(NULL AS bigint) AS entity_id, owner_id FROM crm.deal "
        "WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
    ),
}


def take(conn: Connection, kind: str, ids: Sequence[int]) -> dict[int, Owned]:
    """Lock records in the order of their numbers; those that are merged or not there are missing."""
    rows = conn.execute(_OWNED[kind], {"ids": list(ids)})
    return {row.id: Owned(*row) for row in rows}


_SEEN = {
    "lead": text(
        "SELECT id, entity_id, owner_id FROM crm.lead WHERE id = ANY(:ids) AND merged_into IS NULL"
    ),
    "contact": text(
        "SELECT id, entity_id, owner_id FROM crm.contact WHERE id = ANY(:ids) "
        "AND merged_into IS NULL"
    ),
    "deal": text(
        "SELECT id, CAST(NULL AS bigint) AS entity_id, owner_id FROM crm.deal WHERE id = ANY(:ids)"
    ),
}


def seen(conn: Connection, kind: str, ids: Sequence[int]) -> dict[int, Owned]:
    """Return records without locking them; those that are merged or not there are missing."""
    rows = conn.execute(_SEEN[kind], {"ids": list(ids)})
    return {row.id: Owned(*row) for row in rows}


Give = Callable[[Connection, Mapping[int, int | None]], None]
_GIVE: Mapping[str, Give] = {"lead": leads.assign, "contact": contacts.assign, "deal": deals.assign}


def restore(conn: Connection, kind: str, owners: Mapping[int, int | None]) -> None:
    """Write owners (record → user), None takes the owner away."""
    if owners:
        _GIVE[kind](conn, owners)


def set_owners(conn: Connection, kind: str, owners: Mapping[int, int]) -> None:
    """Write owners (record → user)."""
    if owners:
        _GIVE[kind](conn, owners)


def active_user(conn: Connection, email: str) -> int | None:
    """Return an active user, by e-mail, without regard to case."""
    return conn.execute(
        text('SELECT id FROM crm."user" WHERE lower(email) = lower(:email) AND is_active'),
        {"email": email},
    ).scalar_one_or_none()


def emails(conn: Connection, user_ids: Iterable[int]) -> dict[int, str]:
    """Return by what people are named in a history: their e-mail, else their name."""
    rows = conn.execute(
        text('SELECT id, coalesce(email, name) AS name FROM crm."user" WHERE id = ANY(:ids)'),
        {"ids": list(user_ids)},
    )
    return {row.id: row.name for row in rows}


@dataclass(frozen=True, slots=True)
class Open:
    """What a user owns that is not closed, by number: what has to go elsewhere when the user leaves."""

    lead: Sequence[int] = ()
    contact: Sequence[int] = ()
    deal: Sequence[int] = ()
    task: Sequence[int] = ()

    def of(self, kind: str) -> Sequence[int]:
        """Return the numbers of one kind."""
        return {"lead": self.lead, "contact": self.contact, "deal": self.deal}.get(kind, self.task)


_OPEN = text("""
SELECT 'lead' AS kind, id FROM crm.lead WHERE owner_id = :user AND archived_at IS NULL
  AND merged_into IS NULL AND converted_at IS NULL
UNION ALL
SELECT 'contact', id FROM crm.contact WHERE owner_id = :user AND archived_at IS NULL
  AND merged_into IS NULL
UNION ALL
SELECT 'deal', d.id FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id
  WHERE d.owner_id = :user AND d.archived_at IS NULL AND s.is_active
UNION ALL
SELECT 'task', id FROM crm.task WHERE owner_id = :user AND archived_at IS NULL
  AND completed_at IS NULL
ORDER BY kind, id
""")


def open_of(conn: Connection, user_id: int) -> Open:
    """Return what a user owns that is not closed."""
    found: dict[str, list[int]] = {}
    for row in conn.execute(_OPEN, {"user": user_id}):
        found.setdefault(row.kind, []).append(row.id)
    return Open(**found)


_LEFT_WITH = text("""
SELECT u.email, o.leads, o.contacts, o.deals FROM crm."user" u CROSS JOIN LATERAL (SELECT
  (SELECT count(*) FROM crm.lead l WHERE l.owner_id = u.id AND l.archived_at IS NULL
     AND l.merged_into IS NULL AND l.converted_at IS NULL) AS leads,
  (SELECT count(*) FROM crm.contact c WHERE c.owner_id = u.id AND c.archived_at IS NULL
     AND c.merged_into IS NULL) AS contacts,
  (SELECT count(*) FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id
     WHERE d.owner_id = u.id AND d.archived_at IS NULL AND s.is_active) AS deals) o
WHERE NOT u.is_active AND u.email IS NOT NULL AND o.leads + o.contacts + o.deals > 0
ORDER BY u.email
""")


def left_with_records(conn: Connection) -> list[tuple[str, int, int, int]]:
    """Return users who have left and own open records: e-mail, leads, contacts, deals."""
    return [(row.email, row.leads, row.contacts, row.deals) for row in conn.execute(_LEFT_WITH)]
