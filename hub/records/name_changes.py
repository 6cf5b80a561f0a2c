"""The history of names: who renamed, replaced, removed or restored a thing, and when.

Rows are appended, never changed. Not here: changes of records (`hub.records.history`), and who may rename
(`hub.actions.setup`).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, or_, select

from hub.frozen import dataclass
from hub.records.name_tables import name_change

_C = name_change.c


class What(StrEnum):
    """What was done to a name."""

    RENAMED = "renamed"
    REPLACED = "replaced"
    REMOVED = "removed"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class NameChange:
    """A change of a name.

    Args:
        at: when.
        who: the user, the login of the machine's owner, or `hub.yaml`.
        kind: status, stage, pipeline, tag, source, choice, field, user, group, list, …
        scope: of a stage its pipeline, of a field its record, of a choice its field, of a user the address.
        what: renamed, replaced, removed or restored.
        old: the former name.
        new: the name now, or the name of what replaces it; null of a removal.
    """

    at: datetime
    who: str
    kind: str
    scope: str
    what: What
    old: str
    new: str | None


def note_rename(
    conn: Connection, who: str, kind: str, old: str, new: str, *, scope: str = ""
) -> None:
    """Append a rename; a name that stays the same is none."""
    if old != new:
        _append(conn, who=who, kind=kind, scope=scope, what=What.RENAMED, old=old, new=new)


def note_removal(
    conn: Connection, who: str, kind: str, old: str, *, into: str | None = None, scope: str = ""
) -> None:
    """Append a removal; `into` is the name of what replaces the thing."""
    what = What.REMOVED if into is None else What.REPLACED
    _append(conn, who=who, kind=kind, scope=scope, what=what, old=old, new=into)


def note_return(conn: Connection, who: str, kind: str, name: str, *, scope: str = "") -> None:
    """Append that a removed thing is in use again."""
    _append(conn, who=who, kind=kind, scope=scope, what=What.RESTORED, old=name, new=None)


def _append(conn: Connection, **values: str | None) -> None:
    conn.execute(insert(name_change).values(**values))


def renames(conn: Connection, kind: str) -> list[tuple[str, str, str]]:
    """Return the renames and replacements of a kind of thing: (scope, former name, next name)."""
    asked = select(_C.scope, _C.old, _C.new).where(_C.kind == kind, _C.new.is_not(None))
    return [(r.scope, r.old, r.new) for r in conn.execute(asked.order_by(_C.id))]


def newest(
    conn: Connection, *, kind: str | None = None, name: str | None = None, limit: int
) -> Sequence[NameChange]:
    """Return the newest changes first.

    Args:
        conn: an open connection.
        kind: of the things; None is every kind.
        name: a former or a present name, or an address, letter case aside; None is every name.
        limit: changes at most.
    """
    asked = select(_C.at, _C.who, _C.kind, _C.scope, _C.what, _C.old, _C.new)
    if kind is not None:
        asked = asked.where(_C.kind == kind)
    if name is not None:
        said = name.strip().lower()
        asked = asked.where(or_(*(func.lower(one) == said for one in (_C.old, _C.new, _C.scope))))
    rows = conn.execute(asked.order_by(_C.id.desc()).limit(limit))
    return [NameChange(r.at, r.who, r.kind, r.scope, What(r.what), r.old, r.new) for r in rows]
