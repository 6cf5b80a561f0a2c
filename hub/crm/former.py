"""Former names: what a name of before a rename or a replacement means today.

A former name is taken for the name of today wherever a user or a list *uses* a name. It counts only
where no other thing has this name now. Who renames or removes a thing names it as it is called today
(`hub.actions.setup.naming`). Words that records hold as text are kept in `crm.word`; of things that
records name by number the history of names says it.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import words
from hub.crm.named import Thing
from hub.errors import ActionError
from hub.model.records import JsonValue
from hub.model.words import Today, key, replaced
from hub.records import name_changes

OF_WORDS = frozenset({"status", "lead_reason", "source", "tag", "choice"})
OF_NUMBERS = frozenset({"stage", "pipeline", "loss_reason", "deal_reason", "outcome"})


def today(conn: Connection, kind: str, said: str, within: str = "") -> str | None:
    """Return the name of today for a former one; None if it is none.

    Args:
        conn: an open transaction.
        kind: of the thing, as `hub.crm.named` calls it.
        said: what a user typed.
        within: of a stage its pipeline, of an outcome call or visit, of a choice its scope.
    """
    if kind in OF_WORDS:
        return words.today(conn, kind, within, said.strip())
    names = {name for scope, name in _followed(conn, kind, said) if _is_within(conn, kind, scope, within)}  # fmt: skip
    return names.pop() if len(names) == 1 else None


_OF_COLUMN = {"tags": "tag", "source": "source", "lead_source": "source"}


def values(conn: Connection, typed: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return typed values of a record with the tags and sources of today in place of former ones.

    Raises:
        ActionError: a tag or a source was removed, and nothing replaces it.
    """
    return {name: _in_words_of_today(conn, name, value) for name, value in typed.items()}


def _in_words_of_today(conn: Connection, name: str, value: JsonValue) -> JsonValue:
    kind = _OF_COLUMN.get(name)
    if kind is None or not value or not isinstance(value, str | list):
        return value
    now = _former_words(conn, kind)
    said = value if isinstance(value, list) else [value]
    for one in said:
        if isinstance(one, str) and now.get(key(kind, one), one) is None:
            raise ActionError(
                f"the {kind} {one[:80]!r} was removed",
                resource=kind, field=name, code="conflict",
                hint=f"hub name history {kind} --name shows who removed it; choose another {kind}",
            )  # fmt: skip
    if isinstance(value, list):
        return replaced(value, now)
    return now.get(key(kind, value), value)


def choices(conn: Connection, scope: str, known: Sequence[str], said: JsonValue) -> JsonValue:
    """Return a typed choice, or several, with those of today in place of former ones.

    Args:
        conn: an open transaction.
        scope: where the choice counts, as `hub.crm.words.scope_of` gives it.
        known: the choices of today.
        said: what was typed.
    """
    many = said if isinstance(said, list) else [said]
    if all(one in known for one in many if isinstance(one, str)):
        return said
    now = {former: today for former, today in _former_words(conn, "choice", scope).items() if today}
    if isinstance(said, list):
        return replaced(said, now)
    return now.get(said, said) if isinstance(said, str) else said


def _former_words(conn: Connection, kind: str, scope: str = "") -> Today:
    """Return the former words of a kind, each with the word of today; None of one that was removed."""
    known = words.of_kind(conn, kind, scope)
    return {key(kind, one.name): one.today for one in known if one.today != one.name}


def things(conn: Connection, kind: str, said: str, known: Sequence[Thing]) -> list[Thing]:
    """Return the things of today that a former name means, among the known ones; several within several."""
    if kind not in OF_NUMBERS:
        return []
    within, slash, name = said.rpartition("/")
    found = {
        (scope.casefold(), new.casefold())
        for scope, new in _followed(conn, kind, name if slash else said)
        if not slash or _is_within(conn, kind, scope, within)
    }
    scopes = {scope for scope, _ in found} | {
        now.casefold() for scope, _ in found if (now := today(conn, "pipeline", scope))
    }
    names = {new for _, new in found}
    return [
        one
        for one in known
        if one.name.casefold() in names and (not one.within or one.within.casefold() in scopes)
    ]


def _followed(conn: Connection, kind: str, said: str) -> set[tuple[str, str]]:
    """Return where the renames of a name lead, each as (scope, name of today), to the last of them."""
    renames = name_changes.renames(conn, kind)
    ends: set[tuple[str, str]] = set()
    todo = [
        (scope, new) for scope, old, new in renames if old.casefold() == said.strip().casefold()
    ]
    seen = set(todo)
    while todo:
        scope, name = todo.pop()
        later = [(s, n) for s, o, n in renames if o.casefold() == name.casefold() and s == scope]
        fresh = [one for one in later if one not in seen]
        if not fresh:
            ends.add((scope, name))
        seen |= set(fresh)
        todo += fresh
    return ends


def _is_within(conn: Connection, kind: str, scope: str, within: str) -> bool:
    if not within or scope.casefold() == within.strip().casefold():
        return True
    now = today(conn, "pipeline", scope) if kind == "stage" else None
    return now is not None and now.casefold() == within.strip().casefold()
