"""The fold: many source records and edits become one golden record.

In: the source records of one entity, its edits, the rules. Out: golden values and, on demand, per
field the winner, the losers and the rule. Pure; the order of the input does not matter.

An edit wins. Then trusted beats open, and a living record beats one that is gone. Then the first rule
of the field's group decides: precedence of the source, the newest, or the longest value. The other two
rules and the smallest stable key break ties. A blank never overwrites a value, except by an edit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from hub.frozen import dataclass
from hub.golden.rules import DEFAULT_RULES, By, Group, SurvivorshipRules
from hub.model.records import JsonValue
from hub.model.verdicts import Trust

Values = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """The present version of one source record.

    Args:
        stable_key: `source/stream/source_id`.
        at: the source's update time, ISO-8601.
        gone: deleted at the source; counts only if no other record of its trust has a value.
    """

    record_id: int
    stable_key: str
    source: str
    stream: str
    trust: Trust
    values: Mapping[str, JsonValue]
    at: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that a person typed. The field `custom_fields.<key>` edits one custom field."""

    field: str
    value: JsonValue
    at: str
    who: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate value; `stable_key` is `edit/<who>` for an edit."""

    stable_key: str
    value: JsonValue
    at: str | None


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Why a field has its value.

    `rule` is the rule that put the winner before the next best: edit, only, trust, gone,
    precedence, recency, length or key. Others: unit, union, earliest, per_key. `by` is the field's
    group and its first rule: `identity: precedence`.
    """

    winner: Candidate | None
    losers: tuple[Candidate, ...]
    rule: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden record: non-blank values, and blanks by edit."""

    values: Values
    explanation: dict[str, FieldExplanation] | None = None


def survive(
    records: Sequence[SourceVersion],
    edits: Sequence[Edit] = (),
    rules: SurvivorshipRules = DEFAULT_RULES,
    *,
    explain: bool = False,
) -> Golden:
    """Fold the records and edits of one entity."""
    orders = _Orders(records, rules)
    values: Values = {}
    winners: dict[str, SourceVersion] = {}
    first = orders.plain[rules.default]
    for record in first:
        for name, value in record.values.items():
            if name in values or value is None or name in rules.special:
                continue
            order = orders.of(name)
            if order is not first:
                winner = _first_with(order, name)
                if winner is not None:
                    values[name], winners[name] = winner.values[name], winner
            elif not is_blank(value):
                values[name], winners[name] = value, record
    for unit in (
        rules.units if len(records) > 1 else ()
    ):  # the values of one record cannot be mixed with others
        _take_unit(unit, orders.of(*unit), values, winners)
    _fold_special(rules, orders, values)
    typed = _latest(edits)
    _apply(typed, values, rules)
    ordered = {name: values[name] for name in sorted(values)}
    if not explain:
        return Golden(ordered)
    return Golden(ordered, _explain(ordered, orders, winners, typed, rules))


class _Orders:
    """The records best first, by the rules of a field's group."""

    def __init__(self, records: Sequence[SourceVersion], rules: SurvivorshipRules) -> None:
        self.rules = rules
        made: list[tuple[Group, list[SourceVersion]]] = []
        self.plain: dict[str, list[SourceVersion]] = {}  # groups of equal rules share one list
        for name, group in rules.groups.items():
            found = next((o for g, o in made if g == group), None)
            if found is None:
                keyed = sorted((order(r, group), i) for i, r in enumerate(records))
                found = [records[i] for _, i in keyed]
                made.append((group, found))
            self.plain[name] = found

    def of(self, *names: str) -> list[SourceVersion]:
        """Return the order for a field, or for fields that are taken together."""
        group = self.rules.group_of(names[0])
        order = self.plain[group]
        if self.rules.groups[group].by is not By.LONGEST or len(order) < 2:  # noqa: PLR2004
            return order
        return sorted(order, key=lambda r: _longest(r, names))


def order(record: SourceVersion, group: Group) -> tuple[bool, bool, float, float, str]:
    """Return the sort key of a record, the best first: trust, gone, the group's rules, its stable key."""
    is_open = record.trust is Trust.OPEN
    rank, age = float(group.rank(record.source)), -instant(record.at)
    first, second = (age, rank) if group.by is By.RECENT else (rank, age)
    return (is_open, record.gone, first, second, record.stable_key)


def _longest(record: SourceVersion, names: Sequence[str]) -> tuple[bool, bool, int]:
    size = sum(_length(record.values.get(name)) for name in names)
    return (record.trust is Trust.OPEN, record.gone, -size)


def _length(value: JsonValue) -> int:
    if is_blank(value):
        return 0
    return len(value.strip()) if isinstance(value, str) else len(str(value))


@lru_cache(maxsize=4_096)
def instant(at: str | None) -> float:
    """Return a time as a number; a missing or unreadable time is the oldest."""
    if at is None:
        return float("-inf")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return float("-inf")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def is_blank(value: JsonValue) -> bool:
    """Tell whether a value is blank: null, blank text, an empty list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (not value and isinstance(value, (list, dict)))


def _first_with(order: Sequence[SourceVersion], name: str) -> SourceVersion | None:
    for record in order:
        if not is_blank(record.values.get(name)):
            return record
    return None


def _take_unit(
    unit: tuple[str, ...],
    order: Sequence[SourceVersion],
    values: Values,
    winners: dict[str, SourceVersion],
) -> None:
    # Only among records as trusted as the best value: the full name of an open record does not
    # replace the last name of a trusted one.
    best = _first_with_any(order, unit)
    for record in order:
        if best is None or record.trust is not best.trust or record.gone is not best.gone:
            return
        if all(not is_blank(record.values.get(name)) for name in unit):
            for name in unit:
                values[name] = record.values[name]
                winners[name] = record
            return


def _first_with_any(order: Sequence[SourceVersion], unit: tuple[str, ...]) -> SourceVersion | None:
    return next((r for r in order if any(not is_blank(r.values.get(n)) for n in unit)), None)


def _fold_special(rules: SurvivorshipRules, orders: _Orders, values: Values) -> None:
    for name in rules.earliest:
        order = orders.of(name)
        found = _times(_counted(order), name) or _times(order, name)
        if found:
            values[name] = min(found)[1]
    for name in rules.union:
        said = _contributors(rules, orders.of(name), name)
        united = distinct(member for record in said for member in members(record.values, name))
        if united:
            values[name] = united
    for name in rules.per_key:
        merged = _merge_keys(orders, name)
        if merged:
            values[name] = merged


def _times(records: Sequence[SourceVersion], name: str) -> list[tuple[float, str]]:
    texts = [v for r in records if isinstance(v := r.values.get(name), str) and v]
    return [(instant(v) if _is_time(v) else float("inf"), v) for v in texts]


def _merge_keys(orders: _Orders, name: str) -> Values:
    merged: Values = {}
    sizes: dict[str, tuple[bool, bool, int]] = {}
    group = orders.rules.group_of(name)
    is_longest = orders.rules.groups[group].by is By.LONGEST
    for record in orders.plain[group]:
        own = record.values.get(name)
        for key, value in own.items() if isinstance(own, dict) else ():
            if is_blank(value):
                continue
            size = (record.trust is Trust.OPEN, record.gone, -_length(value) if is_longest else 0)
            if key not in merged or size < sizes[key]:
                merged[key], sizes[key] = value, size
    return {key: merged[key] for key in sorted(merged)}


def _is_time(value: str) -> bool:
    return instant(value) != float("-inf")


def _counted(order: Sequence[SourceVersion]) -> Sequence[SourceVersion]:
    """Return the records that are still at their source; all records if none is."""
    return [r for r in order if not r.gone] or order


def _contributors(
    rules: SurvivorshipRules, order: Sequence[SourceVersion], name: str
) -> Sequence[SourceVersion]:
    having = [r for r in order if members(r.values, name)]
    if name in rules.trusted_union:
        having = [r for r in having if r.trust is Trust.TRUSTED] or having
    return _counted(having)


def members(values: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    """Return the members of a record's list, without blanks; the main address comes first."""
    own = values.get(name)
    found = [v for v in own if not is_blank(v)] if isinstance(own, list) else []
    primary = values.get("email") if name == "emails" else None
    return found if is_blank(primary) else [primary, *found]


def distinct(some: Iterable[JsonValue]) -> list[JsonValue]:
    """Return distinct members, without regard to case."""
    found: dict[str, JsonValue] = {}
    for member in some:
        found.setdefault(str(member).casefold(), member)
    return list(found.values())


def _latest(edits: Sequence[Edit]) -> dict[str, Edit]:
    typed: dict[str, Edit] = {}
    for e in sorted(edits, key=lambda e: (instant(e.at), e.who, repr(e.value))):
        typed[e.field] = e
    return typed


def _apply(typed: Mapping[str, Edit], values: Values, rules: SurvivorshipRules) -> None:
    for name, e in sorted(typed.items()):
        whole, _, key = name.partition(".")
        if whole not in rules.per_key:
            values[name] = e.value
            if name == "email" and "emails" not in typed:
                _put_first(e.value, values)
            continue
        own = values.get(whole)
        merged: Values = dict(own) if isinstance(own, dict) else {}
        if key:
            merged[key] = e.value
        elif isinstance(e.value, dict):
            merged.update(e.value)
        else:
            merged = {}
        values[whole] = {k: merged[k] for k in sorted(merged)}


def _put_first(email: JsonValue, values: Values) -> None:
    others = values.get("emails")
    if isinstance(email, str) and email:
        rest = others if isinstance(others, list) else []
        kept = [o for o in rest if str(o).casefold() != email.casefold()]
        values["emails"] = [email, *kept]


def _explain(
    values: Values,
    orders: _Orders,
    winners: Mapping[str, SourceVersion],
    typed: Mapping[str, Edit],
    rules: SurvivorshipRules,
) -> dict[str, FieldExplanation]:
    found: dict[str, FieldExplanation] = {}
    for name in values:
        having = [r for r in orders.of(name) if not is_blank(r.values.get(name))]
        winner = winners.get(name)
        by = rules.goes_by(name)
        if name in typed:
            e = typed[name]
            won = Candidate(f"edit/{e.who}", e.value, e.at)
            lost = tuple(_candidate(r, name) for r in having)
            found[name] = FieldExplanation(won, lost, "edit", by)
        elif winner is not None:
            losers = [r for r in having if r is not winner]
            found[name] = FieldExplanation(
                _candidate(winner, name),
                tuple(_candidate(r, name) for r in losers),
                _rule(winner, losers, rules, name),
                by,
            )
        else:
            found[name] = _explain_special(name, values[name], having, rules)
    return found


def _candidate(record: SourceVersion, name: str) -> Candidate:
    return Candidate(record.stable_key, record.values.get(name), record.at)


def _explain_special(
    name: str, value: JsonValue, having: Sequence[SourceVersion], rules: SurvivorshipRules
) -> FieldExplanation:
    if name in rules.earliest:
        won = next((r for r in having if r.values.get(name) == value), None)
        return FieldExplanation(
            _candidate(won, name) if won else None,
            tuple(_candidate(r, name) for r in having if r is not won),
            "earliest",
            rules.goes_by(name),
        )
    rule = "union" if name in rules.union else "per_key"
    lost = tuple(_candidate(r, name) for r in having)
    return FieldExplanation(None, lost, rule, rules.goes_by(name))


def _rule(
    winner: SourceVersion, losers: Sequence[SourceVersion], rules: SurvivorshipRules, name: str
) -> str:
    """Return the rule that put the winner before the next best."""
    if not losers:
        return "only"
    group = rules.groups[rules.group_of(name)]
    won, lost = _place(winner, group, name), _place(losers[0], group, name)
    if won > lost:
        return "unit"
    steps = ("trust", "gone", *_STEPS[group.by], "key")
    return next(s for s, a, b in zip(steps, won, lost, strict=True) if a != b)


def _place(record: SourceVersion, group: Group, name: str) -> tuple[object, ...]:
    is_open, gone, *rest = order(record, group)
    size = _longest(record, (name,))[2:] if group.by is By.LONGEST else ()
    return (is_open, gone, *size, *rest)


_STEPS = {
    By.PRECEDENCE: ("precedence", "recency"),
    By.RECENT: ("recency", "precedence"),
    By.LONGEST: ("length", "precedence", "recency"),
}
