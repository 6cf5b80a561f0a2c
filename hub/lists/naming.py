"""The names in a list's document: kept as numbers, shown and asked by the names of today.

In: a document as people write it, or as it is kept. `kept` turns each name into a `Ref`, `bound` into
what a predicate compares, `shown` back into a name. An unknown name is refused with the nearest one; a
`Lost` name, of a list from before names were numbers, is shown as such and refused when it is asked.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from hub.crm import former, named, word_rows, words
from hub.crm.named import BY_NUMBER, WORDS, Thing
from hub.crm.tables import contact
from hub.errors import ActionError
from hub.lists.dates import Moment
from hub.lists.document import (
    NEGATED,
    All,
    AnyOf,
    Condition,
    ListDocument,
    Lost,
    Not,
    Op,
    Part,
    Ref,
    Sort,
    conditions_of,
)
from hub.lists.fields import Catalogue, Field
from hub.lists.predicates import Asking
from hub.lists.related import number_of
from hub.model.nearest import hint

_NAMING = frozenset({Op.IS, Op.IS_NOT, Op.ANY, Op.ALL, Op.NONE})
PATTERNS = frozenset({Op.CONTAINS, Op.CONTAINS_NOT, Op.STARTS})
CONTACT = "contact"
OWN_WORDS = frozenset({"me", "nobody"})  # of the field owner
_NOBODY = Asking(
    Moment(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo("UTC")), None
)  # words need no asker
_SEVERAL = {Op.IS: Op.ANY, Op.IS_NOT: Op.NONE, Op.CONTAINS: Op.ANY, Op.STARTS: Op.ANY,
            Op.CONTAINS_NOT: Op.NONE}  # fmt: skip


class Known:
    """The named things of a database, each kind read once."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._things: dict[tuple[str, str], list[Thing]] = {}

    def of(self, kind: str, scope: str = "") -> list[Thing]:
        """Return the things of a kind."""
        if (kind, scope) not in self._things:
            self._things[kind, scope] = named.things(self.conn, kind, scope)
        return self._things[kind, scope]

    def number(self, kind: str, scope: str, number: int) -> Thing | None:
        """Return the thing of a number; of a former word the thing of today."""
        found = next((t for t in self.of(kind, scope) if t.id == number), None)
        if found is None and kind in WORDS:
            word = words.by_id(self.conn, [number]).get(number)
            if word is not None and word.today is not None:
                return Thing(kind, number, word.today)
        return found

    def meant(self, field: Field, said: str) -> list[Thing]:
        """Return the things that a name means, of today or of before; none if it is unknown."""
        kind, scope = field.names or "", field.scope
        found = named.meant(self.of(kind, scope), said)
        if not found and kind in BY_NUMBER:
            return former.things(self.conn, kind, said, self.of(kind, scope))
        if not found:
            now = words.today(self.conn, kind, scope, said.strip())
            found = named.meant(self.of(kind, scope), now) if now is not None else []
        return found


def kept(conn: Connection, document: ListDocument, fields: Catalogue) -> ListDocument:
    """Return a document with numbers in place of names, as it is kept.

    Raises:
        ActionError: a name is unknown.
    """
    known = Known(conn)

    def number(field: Field, part: Part) -> Sequence[Part]:
        kind = field.names or ""
        if isinstance(part, Ref | Lost) or _is_own(field, part) or kind == CONTACT:
            return [part]
        found = known.meant(field, str(part))
        if found:
            return [Ref(kind=kind, id=thing.id) for thing in found]
        word = _word(conn, fields, field, str(part))
        return [Ref(kind=kind, id=words.ensure(conn, kind, field.scope, word))]

    return _mapped(document, fields, number)


def shown(conn: Connection, document: ListDocument) -> ListDocument:
    """Return a document with the names of today in place of numbers; a lost name says so."""
    known = Known(conn)

    def name(part: Part) -> Part:
        match part:
            case Ref(kind=kind, id=number):
                scope = _scope_of(conn, kind, number)
                thing = known.number(kind, scope, number)
                if thing is None:
                    return f"{kind} {number} (gone)"
                return named.spoken(thing, known.of(kind, scope))
            case Lost(lost=said):
                return f"{said} (not found)"
            case _:
                return part

    def each(condition: Condition) -> Condition:
        parts = list(dict.fromkeys(map(name, condition.parts)))
        return _with(condition, parts)

    return document.model_copy(update={"filter": walked(document.filter, each)})


def broken(conn: Connection, document: ListDocument, fields: Catalogue) -> list[str]:
    """Return the parts of a kept document that name nothing: a lost name, a field that is gone."""
    known = Known(conn)
    found = []
    for condition in conditions_of(document.filter):
        if fields.find(condition.field) is None:
            found.append(f"the field {condition.field}")
        for part in condition.parts:
            if isinstance(part, Lost):
                found.append(f"{part.lost} in {condition.field}")
            elif isinstance(part, Ref) and not known.number(
                part.kind, _scope_of(conn, part.kind, part.id), part.id
            ):
                found.append(f"{part.kind} {part.id} in {condition.field}")
    others = [*document.columns, *([document.sort.field] if document.sort else [])]
    return [*found, *(f"the field {name}" for name in others if fields.find(name) is None)]


Unchecked = tuple[Field, str]
"""A word that records may hold: whether one does is asked only of a list that has no rows."""


def bound(
    conn: Connection, document: ListDocument, fields: Catalogue
) -> tuple[ListDocument, Sequence[Unchecked]]:
    """Return a document whose values are what predicates compare: numbers, or words of today.

    Words that only records can know come back unchecked, for `verify`; those of a negation are
    checked here, because its list has rows for every word.

    Raises:
        ActionError: a name is unknown or lost, or a pattern is in no name.
    """
    if not any(_has_names(fields, one) for one in conditions_of(document.filter)):
        return document, ()
    known = Known(conn)
    unchecked: list[Unchecked] = []

    def each(condition: Condition) -> Condition:
        field = fields.find(condition.field)
        if field is None or (field.names is None and not field.words) or not condition.parts:
            return condition
        if field.names is None:
            return _closed(condition, field)
        if condition.op in PATTERNS:
            return _pattern(known, condition, field)
        if condition.op not in _NAMING:
            return condition
        values: list[Part] = []
        open_words: list[Unchecked] = []
        for part in condition.parts:
            values += _values(conn, known, field, part, open_words)
        if condition.op in NEGATED:
            verify(conn, fields, open_words)
        else:
            unchecked.extend(open_words)
        return _with(condition, list(dict.fromkeys(values)))

    filter_ = walked(document.filter, each)
    return document.model_copy(update={"filter": filter_}), unchecked


def verify(conn: Connection, fields: Catalogue, unchecked: Sequence[Unchecked]) -> None:
    """Refuse a word that no record holds.

    Raises:
        ActionError: there is one.
    """
    for field, said in unchecked:
        _word(conn, fields, field, said)


def _has_names(fields: Catalogue, condition: Condition) -> bool:
    field = fields.find(condition.field)
    return field is not None and (field.names is not None or bool(field.words))


def _values(
    conn: Connection, known: Known, field: Field, part: Part, unchecked: list[Unchecked]
) -> Sequence[Part]:
    kind = field.names or ""
    if isinstance(part, Lost):
        raise _lost(field, part.lost)
    if isinstance(part, Ref):
        thing = known.number(kind, field.scope, part.id) if part.kind == kind else None
        if thing is None:
            raise _lost(field, f"{part.kind} {part.id}")
        return [thing.id if kind in BY_NUMBER else thing.name]
    if _is_own(field, part):
        return [part]
    if kind == CONTACT:
        return [_contact(conn, field, part)]
    found = known.meant(field, str(part))
    if kind in BY_NUMBER:
        if not found:
            raise unknown(
                field, str(part), [named.spoken(t, known.of(kind)) for t in known.of(kind)]
            )
        return [t.id for t in found]
    if found:
        return [t.name for t in found]
    choice = next((w for w in field.words if w.casefold() == str(part).strip().casefold()), None)
    if choice is None:
        unchecked.append((field, str(part)))
    return [choice or str(part)]


def _contact(conn: Connection, field: Field, part: Part) -> Part:
    """Return a value of a field that names contacts by name or by number, if there is such a number."""
    number = None if isinstance(part, Ref | Lost) else number_of(part)
    if number is not None:
        statement = select(contact.c.id).where(contact.c.id == number)
        if conn.execute(statement).first() is None:
            raise unknown(field, str(part), ())
    return part


def _word(conn: Connection, fields: Catalogue, field: Field, said: str) -> str:
    """Return a word that records may hold and that has no number yet.

    Raises:
        ActionError: the team has no such word, and no record holds it.
    """
    if _is_known(conn, fields, field, said):
        exact = {word.casefold(): word for word in field.words}
        return exact.get(said.strip().casefold(), said)
    kind = field.names or ""
    known = [*field.words, *(t.name for t in named.things(conn, kind, field.scope))]
    if kind in WORDS and kind != "choice":
        known += word_rows.distinct(conn, kind)
    raise unknown(field, said, known)


def _is_known(conn: Connection, fields: Catalogue, field: Field, said: str) -> bool:
    if said.strip().casefold() in {word.casefold() for word in field.words}:
        return True
    kind = field.names or ""
    if kind in BY_NUMBER:
        return False
    from_list = select(fields.table.c.id).where(
        *fields.standing, field.predicate(field.column, Op.ANY, [said], _NOBODY)
    )
    if conn.execute(from_list.limit(1)).first() is not None:
        return True
    return word_rows.is_held(conn, kind, field.scope, said)


def _closed(condition: Condition, field: Field) -> Condition:
    """Check values of a field that has few of them."""
    if condition.op not in PATTERNS:
        for part in condition.parts:
            if str(part).strip().casefold() not in field.words:
                raise unknown(field, str(part), field.words)
    return condition


def _pattern(known: Known, condition: Condition, field: Field) -> Condition:
    """Return the things whose names have a pattern; of words that records hold the pattern stays."""
    kind, said = field.names or "", str(condition.parts[0]).casefold()
    if kind not in BY_NUMBER or kind == "user":
        return condition
    begins = condition.op is Op.STARTS
    found = [
        t
        for t in known.of(kind)
        if (t.name.casefold().startswith(said) if begins else said in t.name.casefold())
    ]
    if not found:
        raise unknown(field, str(condition.parts[0]), [t.name for t in known.of(kind)])
    return _with(condition, [t.id for t in found])


def _scope_of(conn: Connection, kind: str, number: int) -> str:
    if kind != "choice":
        return ""
    word = words.by_id(conn, [number]).get(number)
    return word.scope if word else ""


def _is_own(field: Field, part: Part) -> bool:
    return field.names == "user" and str(part).strip().lower() in OWN_WORDS


def unknown(field: Field, said: str, known: Sequence[str]) -> ActionError:
    """Return the error of a name that means nothing."""
    what = named.LABELS.get(field.names or "", field.name)
    return ActionError(
        f"there is no {what} {said[:60]!r} to list by",
        resource="smart_list",
        field=field.name,
        code="not_found",
        hint=hint(said, known),
    )


def _lost(field: Field, said: str) -> ActionError:
    return ActionError(
        f"the list names {said[:60]!r} in {field.name}, and there is none",
        resource="smart_list",
        field=field.name,
        code="broken",
        hint="hub list show NAME shows the list; hub list edit NAME writes another filter",
    )


def _with(condition: Condition, parts: Sequence[Part]) -> Condition:
    """Return a condition of other values; one value that became several is asked as `any of`."""
    if isinstance(condition.value, tuple):
        return Condition(field=condition.field, op=condition.op, value=tuple(parts))
    if len(parts) == 1 and condition.op not in PATTERNS:
        return Condition(field=condition.field, op=condition.op, value=parts[0])
    if not parts:
        return condition
    op = _SEVERAL.get(condition.op, condition.op)
    return Condition(field=condition.field, op=op, value=tuple(parts))


def _mapped(
    document: ListDocument,
    fields: Catalogue,
    number: Callable[[Field, Part], Sequence[Part]],
) -> ListDocument:
    """Return a document with its fields by their names of today, and each name through `number`."""

    def field_name(said: str) -> str:
        found = fields.find(said)
        return said if found is None else found.name

    def each(condition: Condition) -> Condition:
        field = fields.find(condition.field)
        if field is None:
            return condition
        plain = condition.model_copy(update={"field": field.name})
        if field.names is None or condition.op in PATTERNS or not condition.parts:
            return plain
        parts = [one for part in condition.parts for one in number(field, part)]
        return _with(plain, list(dict.fromkeys(parts)))

    sort = document.sort
    return document.model_copy(
        update={
            "filter": walked(document.filter, each),
            "sort": sort and Sort(field=field_name(sort.field), descending=sort.descending),
            "columns": tuple(map(field_name, document.columns)),
        }
    )


def walked(node: Any, each: Callable[[Condition], Condition]) -> Any:
    """Return a filter with every condition through a function."""
    match node:
        case All(all=nodes):
            return All(all=tuple(walked(one, each) for one in nodes))
        case AnyOf(any=nodes):
            return AnyOf(any=tuple(walked(one, each) for one in nodes))
        case Not(not_=inner):
            return Not(**{"not": walked(inner, each)})
        case _:
            return each(node)
