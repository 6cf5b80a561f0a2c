"""Getters of the sources that a rule can name: paths, alternatives, form answers, lookups.

In: the source in the rule. Out: a getter. Not here: the steps after it (`hub.mappings.steps`).
"""

from collections.abc import Mapping, Sequence

from hub.mappings.answers import FormAnswer, assign_answers, read_answers, read_hidden
from hub.mappings.consents import NO_CONSENT, consented
from hub.mappings.plan import FieldValue, Getter
from hub.mappings.rows import FAILED, Row, form_of, is_blank, look_up, path_parts
from hub.mappings.rule_document import Answer, Consents, Lookup
from hub.mappings.text import LONGEST
from hub.model.records import JsonValue


def path_value(number: int) -> Getter:
    """Return a getter of the value at a path of the payload, by the path's number."""
    return lambda row: row.said[number]


def item(along: str) -> Getter:
    """Return a getter of the value at a path of the list entry that the target is emitted for."""
    parts = path_parts(along)
    return lambda row: look_up(row.item, parts)


def first(getters: Sequence[Getter]) -> Getter:
    """Return a getter of the first value that is not blank."""

    def get(row: Row) -> FieldValue:
        found: FieldValue = None
        for getter in getters:
            value = getter(row)
            if value is None:
                continue
            if value is FAILED:
                found = FAILED
            elif not is_blank(value):
                return value
        return found

    return get


def all_of(getters: Sequence[Getter]) -> Getter:
    """Return a getter of all values as a list, null if all are null."""
    return lambda row: _all(row, getters)


def _all(row: Row, getters: Sequence[Getter]) -> FieldValue:
    found = [None if (value := get(row)) is FAILED else value for get in getters]
    return found if any(v is not None for v in found) else None


def looked_up(lookup: Lookup, key: Getter) -> Getter:
    """Return a getter of a value in another object of the source; `key` gives the object's id."""
    parts = path_parts(lookup.path)

    def get(row: Row) -> FieldValue:
        found = None if is_blank(id_ := key(row)) else row.context.get(f"{lookup.stream}/{id_}")
        return look_up(found, parts)

    return get


def form_title(row: Row) -> FieldValue:
    """Return the title of the form that was answered."""
    return form_of(row).title


def form_id(row: Row) -> FieldValue:
    """Return the id of the form that was answered."""
    return form_of(row).id


class _Selector(Answer):
    """An answer selector that can be a dictionary key."""

    def __hash__(self) -> int:
        return hash((*self.refs, "|", *self.types, "|", self.field, *self.titles, "|", *self.of))


def hashable(answer: Answer | None) -> Answer:
    """Return a selector that can be a dictionary key."""
    return _Selector.model_validate(answer.model_dump() if answer else {})


class Answers:
    """Getters of a form's answers: each answer goes to the first selector that takes it."""

    def __init__(self, selectors: Sequence[Answer], consents: Consents | None = None) -> None:
        self._selectors = selectors
        self._consents = consents

    def _assigned(self, row: Row) -> Mapping[Answer, FormAnswer]:
        if row.assigned is None:
            row.given = read_answers(row.payload.get("answers"), form_of(row))
            refs = self._consents.refs if self._consents else ()
            row.consents = consented(row.given, refs) if self._consents else NO_CONSENT
            free = [one for one in row.given if id(one) not in row.consents.taken]
            hidden = read_hidden(row.payload.get("hidden"))
            row.assigned = assign_answers([*free, *hidden], self._selectors)
        return row.assigned

    def consents(self, row: Row) -> FieldValue:
        """Return the consents that the answers give."""
        self._assigned(row)
        return row.consents.found if row.consents else None

    def of(self, selector: Answer, *, is_title: bool) -> Getter:
        """Return a getter of the answer, or of the title of its question."""

        def get(row: Row) -> FieldValue:
            found = self._assigned(row).get(selector)
            return None if found is None else (found.title if is_title else found.value)

        return get

    def unmapped(self, row: Row) -> FieldValue:
        """Return the answers that no selector took, one `question: answer` a line."""
        mapped = {id(one) for one in self._assigned(row).values()}
        mapped |= row.consents.told if row.consents else set()
        lines = [
            f"{one.title or one.ref or one.question_kind or 'answer'}: {_as_text(one.value)}"
            for one in row.given or []
            if id(one) not in mapped
        ]
        return "\n".join(lines) or None


def _as_text(value: JsonValue) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)[:LONGEST]
