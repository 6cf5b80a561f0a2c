"""Who owns leads, contacts and deals: locked, read and written for one record or for many.

A distribution group is locked before the records that it hands out, as routing does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.crm import contacts, deals, leads

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


_GIVE = {"lead": leads.assign, "contact": contacts.give, "deal": deals.give}


def give(conn: Connection, kind: str, owners: Mapping[int, int]) -> None:
    """Write owners (record → user)."""
    if owners:
        _GIVE[kind](conn, owners)


def active_user(conn: Connection, email: str) -> int | None:
    """Return somebody of the team who has not left, by e-mail, letter case aside."""
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
