"""The users of the account: agents (the universe's users), end users, requesters of tickets.

A ticket may name its requester by id, or by name and address. Without either, the requester is the
user of the same person. Not here: a user's JSON (`shapes.py`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.sandbox.ids import zendesk_id
from hub.sandbox.world import Row, World

SOURCE, USERS, TICKETS, ORGANIZATIONS = "zendesk", "users", "tickets", "organizations"
STAFF = frozenset({"agent", "admin"})
_LONG_AGO = timedelta(days=900)
_MOST_MERGES = 20


def add_agents(world: World) -> None:
    """Add an agent for every user of the universe.

    Clients expect numeric ids. A user without a Zendesk id gets one, and `ids` then has it.
    """
    for position, user in enumerate(world.users, start=1):
        own = str(user["ids"].get(SOURCE, user["id"]))
        is_named = SOURCE in user["ids"] or own.isdecimal()
        id_ = own if is_named else zendesk_id(world.seed, "agents", position)
        user["ids"][SOURCE] = id_
        if world.get(SOURCE, USERS, id_) is not None:
            continue
        at = (world.clock.start - _LONG_AGO + timedelta(minutes=position)).replace(microsecond=0)
        values = {
            "name": user["name"],
            "email": user["email"],
            "role": "agent",
            "suspended": not user["active"],
        }
        world.put(Row(SOURCE, USERS, id_, values, at, at, at))


class Directory:
    """Finds the account's present users by id, person, address or name."""

    def __init__(self, world: World) -> None:
        self._by_id: dict[str, Row] = {}
        self._by_person: dict[str, str] = {}
        self._by_email: dict[str, str] = {}
        self._by_name: dict[tuple[str, str, str], str] = {}
        for row in world.rows(SOURCE, USERS, include_deleted=True):
            self._by_id[row.id] = row
            if row.deleted:
                continue
            if row.person is not None:
                self._by_person.setdefault(row.person, row.id)
            if email_of(row):
                self._by_email.setdefault(email_of(row).lower(), row.id)
            self._by_name.setdefault(_name_key(row.person, row.values), row.id)
        self._organizations: dict[str, str] = {}
        for row in world.rows(SOURCE, ORGANIZATIONS):
            if row.company is not None:
                self._organizations.setdefault(row.company, row.id)

    def requester_id(self, ticket: Row) -> str | None:
        """Return the id of the ticket's requester; after a merge, of the surviving user."""
        named = ticket.values.get("requester_id")
        if named is not None:
            return self._survivor(str(named))
        asked = ticket.values.get("requester")
        if isinstance(asked, Mapping):
            email = str(asked.get("email") or "").lower()
            if email:
                return self._by_email.get(email)
            return self._by_name.get(_name_key(ticket.person, asked))
        return self._by_person.get(ticket.person) if ticket.person is not None else None

    def user(self, id_: str) -> Row | None:
        """Return one user, also a deleted one, or None."""
        return self._by_id.get(id_)

    def organization_id(self, row: Row) -> str | None:
        """Return the organization of a user or ticket: its own value, else its company's."""
        if "organization_id" in row.values:
            named = row.values["organization_id"]
            return None if named is None else str(named)
        return self._organizations.get(row.company) if row.company is not None else None

    def _survivor(self, id_: str) -> str:
        for _ in range(_MOST_MERGES):
            row = self._by_id.get(id_)
            if row is None or row.merged_into is None:
                break
            id_ = row.merged_into
        return id_


def follow_requesters(world: World) -> None:
    """Create the requesters that tickets name, for present tickets and for later ones."""

    def on_event(event: dict[str, Any], row: Row) -> None:
        if (row.source, row.stream) == (SOURCE, TICKETS) and event["op"] in {"create", "update"}:
            _make_requester(world, row, is_new=True)

    for row in world.rows(SOURCE, TICKETS, include_deleted=True):
        _make_requester(world, row, is_new=False)
    world.subscribe(on_event)


def _make_requester(world: World, ticket: Row, *, is_new: bool) -> None:
    asked = ticket.values.get("requester")
    if not isinstance(asked, Mapping) or ticket.values.get("requester_id") is not None:
        return
    if Directory(world).requester_id(ticket) is not None:
        return
    known = {key: asked[key] for key in ("name", "email", "phone") if asked.get(key)}
    at = None if is_new else ticket.created_at
    world.create(SOURCE, USERS, known, person=ticket.person, company=ticket.company, at=at)


def is_gone(row: Row) -> bool:
    """Tell whether lists omit a row. A merged ticket stays in lists, closed."""
    return row.deleted and not (row.stream == TICKETS and row.merged_into is not None)


def email_of(row: Row) -> str:
    """Return a user's e-mail address, or ""."""
    return str(row.values.get("email") or "")


def role_of(row: Row) -> str:
    """Return the role: end-user, agent or admin."""
    return str(row.values.get("role") or "end-user")


def _name_key(person: str | None, values: Mapping[str, Any]) -> tuple[str, str, str]:
    return (person or "", str(values.get("name") or ""), str(values.get("phone") or ""))
