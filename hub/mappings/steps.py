"""The steps between a rule's source and its field: transforms, kind check, condition, `required`.

In: the getter of a source, and the rule's settings. Out: a getter. A value that cannot be used is noted
on the row; only `Reject` is raised. Not here: where a value comes from (`hub.mappings.sources`).
"""

from collections.abc import Mapping, Sequence

from hub.errors import RecordError
from hub.mappings import placeholders
from hub.mappings.markup import readable
from hub.mappings.plan import Check, FieldValue, Getter
from hub.mappings.registry import Args, Function, Remark
from hub.mappings.rows import FAILED, Reject, Row, is_blank, shorten
from hub.mappings.transforms import DEFAULTS

Step = tuple[Function, Args, bool]
"""A transform, its arguments, and whether it sees null."""

EARLIEST = "1990-01-01"
PAST_ONLY = frozenset(("created_at", "at", "converted_at", "last_activity_at"))
"""Times of past events: a time before 1990 or after now is a mistake of the source."""
_NEVER_GIVEN = ("null", "none")  # surnames that are not first names
_GIVE_TEXT = frozenset((
    "text", "multiline", "street", "postal", "company", "recase_name", "email", "phone", "country",
    "state", "url", "date", "datetime", "sf_id", "identifier", "name_from_email", "phone_extension",
    "concat", "template", "split_name", "html_to_text", "currency", "money", "second_mobile", "phone_region",
))  # fmt: skip
"""Transforms that always return text or null, so their results need no check of the kind."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "number": (int, float),
    "bool": (bool,),
    "list": (list,),
    "json": (object,),
}


def always_of_kind(last: str, kind: str) -> bool:
    """Return whether the transform `last` always gives a value of the kind."""
    return (
        last in _GIVE_TEXT
        if kind not in _TYPES
        else last == DEFAULTS[kind] or (kind == "json" and last != "")
    )


def without_placeholders(
    source: Getter, placeholder_kind: str, place: str, origin: str, has_neighbour: Check
) -> Getter:
    """Return a getter that gives null for a placeholder and counts it.

    Args:
        source: gives the raw value.
        placeholder_kind: the kind of the field, one of `placeholders.KINDS`.
        place: the target field.
        origin: names the source of the value: several rules may read it, and it is counted once.
        has_neighbour: whether the record has another name or an address. It is called only for a
            text that is a surname too.
    """
    says_nothing = placeholders.check_of(placeholder_kind)

    def get(row: Row) -> FieldValue:
        value = source(row)
        if type(value) is not str:
            return value
        text = readable(value) if "<" in value or "&" in value else value
        if says_nothing(text):
            row.count_placeholder(place, value, origin)
            return None
        return value

    def get_name(row: Row) -> FieldValue:
        value = get(row)
        if type(value) is str and placeholders.may_be_a_surname(value):
            is_no_given_name = place == "first_name" and value.strip().casefold() in _NEVER_GIVEN
            if is_no_given_name or not has_neighbour(row):
                row.count_placeholder(place, value, origin)
                return None
            row.note(place, value, "may be a placeholder; kept as a name")
        return value

    return get_name if placeholder_kind == "name" else get


def one_transform(
    source: Getter, function: Function, args: Args, place: str, *, keep: bool
) -> Getter:
    """Return a getter with one transform that does not see null; most rules have one only."""

    def get(row: Row) -> FieldValue:
        raw = source(row)
        if raw is None:
            return None
        try:
            value = function(raw, args, row.ctx)
        except RecordError as exc:
            row.refuse(place, raw, exc)
            return shorten(raw) if keep else FAILED
        if type(value) is Remark:
            row.note(place, raw, value.reason, value.kind)
            return value.value
        return value

    return get


def transform_chain(source: Getter, steps: Sequence[Step], place: str, *, keep: bool) -> Getter:
    """Return a getter that applies transforms in order."""
    if not steps:
        return source

    def get(row: Row) -> FieldValue:
        raw = value = source(row)
        if value is FAILED:
            return FAILED
        try:
            for function, args, sees_null in steps:
                if value is None and not sees_null:
                    continue
                value = function(value, args, row.ctx)
                if type(value) is Remark:
                    row.note(place, raw, value.reason, value.kind)
                    value = value.value
        except RecordError as exc:
            row.refuse(place, raw, exc)
            return shorten(raw) if keep else FAILED
        return value

    return get


def checked_kind(get: Getter, place: str, kind: str) -> Getter:
    """Return a getter that refuses a value of another kind than its target field's."""
    wanted = _TYPES.get(kind, (str,))
    is_past = place in PAST_ONLY

    def finish(row: Row) -> FieldValue:
        value = get(row)
        if value is None or value is FAILED or value == "":
            return None if value == "" else value
        if not isinstance(value, wanted):
            if wanted != (str,) or isinstance(value, bool | list | dict):
                row.note(place, value, f"not {kind}: {type(value).__name__}")
                return FAILED
            value = str(value)
        if is_past and not _is_past(row, place, value):
            return FAILED
        return value

    return finish


def _is_past(row: Row, place: str, value: str) -> bool:
    if value < EARLIEST:
        row.note(place, value, "before 1990; left out")
        return False
    if row.latest is not None and value > row.latest:
        row.note(place, value, "in the future; left out")
        return False
    return True


def conditional(get: Getter, when: Check) -> Getter:
    """Return a getter that gives null where the predicate is false."""
    return lambda row: get(row) if when(row) else None


def required(get: Getter, place: str) -> Getter:
    """Return a getter that rejects a record without a value."""

    def demand(row: Row) -> FieldValue:
        value = get(row)
        if is_blank(value):
            row.notes_n += 1
            if not row.silent:
                raise Reject(place, None, f"required field '{place}' is missing")
        return value

    return demand
