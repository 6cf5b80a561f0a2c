"""The owners and authors that the tables of a call name: by id, e-mail address or name.

In: the plans of all tables. Out: one owner for each person. Where a table of users is in the call, an
owner's id is that user; else the row's e-mail address of the owner counts, then the name, then the id.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hub.connectors.files.plans import TablePlan
from hub.connectors.files.source_rows import (
    Ids,
    SourceRow,
    Values,
    is_deleted,
    source_rows,
    text_of,
)

USERS = "users"
_COLUMNS = ("owner_id", "owner_email", "owner")
_NO = frozenset(("false", "0", "no", "non", "faux", "n"))


@dataclass(frozen=True, slots=True)
class Owner:
    """A person who owns rows. `name` is as written first; `is_active` is what a table of users says."""

    name: str
    email: str = ""
    is_active: bool = True


@dataclass(slots=True)
class Owners:
    """The owners of a call by their key, and the key of each user by its id."""

    by_key: dict[str, Owner] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def of(self, values: Values) -> str:
        """Return the key of the owner of a row; "" if the row names none."""
        user = self.keys.get(text_of(values, "owner_id"), "")
        return user or owner_key(_said(values))

    def named(self, text: str) -> str:
        """Return the key of a person who is named by an id, an e-mail address or a name."""
        return self.keys.get(text.strip(), "") or owner_key(text)


def owner_key(text: str) -> str:
    """Return the id of an owner: the e-mail address, or the name in one form."""
    return " ".join(text.split()).casefold()


def owners_of(plans: Sequence[TablePlan]) -> Owners:
    """Return the owners and authors that the tables name, and all rows of tables of users."""
    found = Owners()
    for plan in plans:
        if plan.kind == USERS:
            _add_users(found, plan)
    for plan in plans:
        if plan.kind == USERS:
            continue
        for values in _owners_said(plan):
            if text_of(values, "owner_id") not in found.keys:
                _add(found, _said(values))
        for author in _cells(plan, plan.number_of("author")):
            if author.strip() not in found.keys:
                _add(found, author)
    return found


def _add_users(found: Owners, plan: TablePlan) -> None:
    for row in source_rows(plan, Ids()):
        if row.fault or is_deleted(row.values):
            continue
        email = text_of(row.values, "email")
        name = _name(row)
        key = owner_key(email or name or row.id)
        is_active = text_of(row.values, "active").casefold() not in _NO
        found.by_key.setdefault(key, Owner(name or email or row.id, email, is_active))
        found.keys[row.id] = key


def owner_counts(plan: TablePlan, known: Owners) -> Counter[str]:
    """Return how many rows of a table each owner has, by the owner's key."""
    there = [name for name in _COLUMNS if plan.number_of(name) is not None]
    found = Counter[str]()
    number = plan.number_of(there[0]) if len(there) == 1 else None
    if number is not None and (values := plan.columns[number].held.values) is not None:
        for cell, n in values.items():
            found[known.of({there[0]: cell})] += n
    elif there:
        found.update(known.of(row.values) for row in source_rows(plan, Ids()) if not row.fault)
    return found


def _name(row: SourceRow) -> str:
    parts = (text_of(row.values, "first_name"), text_of(row.values, "last_name"))
    return text_of(row.values, "full_name") or " ".join(part for part in parts if part)


def _add(found: Owners, text: str) -> None:
    name = " ".join(text.split())
    if name:
        email = name if "@" in name else ""
        found.by_key.setdefault(owner_key(name), Owner(name, email))


def _said(values: Values) -> str:
    """Return what a row says about its owner without a table of users."""
    return text_of(values, "owner_email") or text_of(values, "owner") or text_of(values, "owner_id")


def _owners_said(plan: TablePlan) -> Iterable[Values]:
    """Return what the rows say about owners; of one column alone each value once."""
    there = [name for name in _COLUMNS if plan.number_of(name) is not None]
    if len(there) == 1:
        return ({there[0]: cell} for cell in _cells(plan, plan.number_of(there[0])))
    return (row.values for row in source_rows(plan, Ids())) if there else ()


def _cells(plan: TablePlan, number: int | None) -> Iterator[str]:
    if number is None:
        return
    values = plan.columns[number].held.values
    yield from (
        values
        if values is not None
        else (row.cells[number].strip() for row in plan.rows() if not row.fault)
    )
