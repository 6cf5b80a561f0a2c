"""The fold: many source records and what people typed become one golden record.

In: the source records of one entity, its edits, the rules. Out: golden values and, on demand, per
field the winner, the losers and the rule. Pure, and blind to the order of its input.

An edit wins. Then trusted beats open, there beats gone, precedence by source, the newest, the
smallest stable key. A blank never overwrites; an edit that blanks a field does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from hub.matching.model_files import load
from hub.model.records import JsonValue
from hub.model.verdicts import Trust

_ELSE = "*"
Values = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """One source record as it counts now.

    Args:
        stable_key: `source/stream/source_id`.
        at: the source's update time, ISO-8601.
        gone: deleted at the source; counts only where no other record of its trust has a value.
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
    """What a person typed. Field `custom_fields.<key>` edits one custom field."""

    field: str
    value: JsonValue
    at: str
    who: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value that was there to choose; `stable_key` is `edit/<who>` for an edit."""

    stable_key: str
    value: JsonValue
    at: str | None


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Why a field has its value.

    `rule` is one of edit, only, trust, gone, precedence, recency, key (what put the winner before
    the next best), unit, union, earliest, per_key.
    """

    winner: Candidate | None
    losers: tuple[Candidate, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden record: non-blank values (and blanks that a person typed)."""

    values: Values
    explanation: dict[str, FieldExplanation] | None = None


@dataclass(frozen=True)
class SurvivorshipRules:
    """The rules of `survivorship.yaml`, bound."""

    groups: Mapping[str, Mapping[str, int]]
    default: str
    fields: Mapping[str, str] = field(default_factory=dict)
    union: frozenset[str] = frozenset()
    trusted_union: frozenset[str] = frozenset()
    per_key: frozenset[str] = frozenset()
    earliest: frozenset[str] = frozenset()
    units: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def bind(cls, document: Mapping[str, Any]) -> "SurvivorshipRules":
        """Return the rules of a parsed document."""
        groups = {
            name: {source: i for i, source in enumerate(order)}
            for name, order in document["groups"].items()
        }
        return cls(
            groups=groups,
            default=document["default"],
            fields=dict(document.get("fields", {})),
            union=frozenset(document.get("union", ())),
            trusted_union=frozenset(document.get("trusted_union", ())),
            per_key=frozenset(document.get("per_key", ())),
            earliest=frozenset(document.get("earliest", ())),
            units=tuple(tuple(u) for u in document.get("units", ())),
        )


DEFAULT_RULES = SurvivorshipRules.bind(load("survivorship.yaml"))


def survive(
    records: Sequence[SourceVersion],
    edits: Sequence[Edit] = (),
    rules: SurvivorshipRules = DEFAULT_RULES,
    *,
    explain: bool = False,
) -> Golden:
    """Fold the records and edits of one entity."""
    orders = _orders(records, rules)
    values: Values = {}
    winners: dict[str, SourceVersion] = {}
    by_field, default, first = rules.fields, rules.default, orders[rules.default]
    special = rules.union | rules.per_key | rules.earliest
    for record in first:
        for name, value in record.values.items():
            if name in values or value is None or name in special:
                continue
            order = orders[by_field.get(name, default)]
            if order is not first:
                winner = _first_with(order, name)
                if winner is not None:
                    values[name], winners[name] = winner.values[name], winner
            elif not _is_blank(value):
                values[name], winners[name] = value, record
    for unit in rules.units if len(records) > 1 else ():  # one record has nobody to be mixed with
        _take_unit(unit, orders[by_field.get(unit[0], default)], values, winners)
    _fold_special(rules, first, values)
    typed = _latest(edits)
    _apply(typed, values, rules)
    ordered = {name: values[name] for name in sorted(values)}
    if not explain:
        return Golden(ordered)
    return Golden(ordered, _explain(ordered, orders, winners, typed, rules))


def _orders(
    records: Sequence[SourceVersion], rules: SurvivorshipRules
) -> dict[str, list[SourceVersion]]:
    """Return the records best first, per group; groups of equal precedence share one list."""
    made: list[tuple[Mapping[str, int], list[SourceVersion]]] = []
    orders: dict[str, list[SourceVersion]] = {}
    for name, ranks in rules.groups.items():
        order = next((o for r, o in made if r == ranks), None)
        if order is None:
            keyed = sorted((_order(r, ranks), i) for i, r in enumerate(records))
            order = [records[i] for _, i in keyed]
            made.append((ranks, order))
        orders[name] = order
    return orders


def _order(record: SourceVersion, ranks: Mapping[str, int]) -> tuple[bool, bool, int, float, str]:
    rank = ranks.get(record.source)
    if rank is None:
        rank = ranks.get(_ELSE, len(ranks))
    is_open = record.trust is Trust.OPEN
    return (is_open, record.gone, rank, -_instant(record.at), record.stable_key)


@lru_cache(maxsize=65536)
def _instant(at: str | None) -> float:
    """Return a time as a number; nothing and nonsense are oldest."""
    if at is None:
        return float("-inf")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return float("-inf")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_blank(value: JsonValue) -> bool:
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (not value and isinstance(value, (list, dict)))


def _first_with(order: Sequence[SourceVersion], name: str) -> SourceVersion | None:
    for record in order:
        if not _is_blank(record.values.get(name)):
            return record
    return None


def _take_unit(
    unit: tuple[str, ...],
    order: Sequence[SourceVersion],
    values: Values,
    winners: dict[str, SourceVersion],
) -> None:
    # Only among records as trusted as the best value: an open record's full name does not
    # replace the last name a trusted one has.
    best = _first_with_any(order, unit)
    for record in order:
        if best is None or record.trust is not best.trust or record.gone is not best.gone:
            return
        if all(not _is_blank(record.values.get(name)) for name in unit):
            for name in unit:
                values[name] = record.values[name]
                winners[name] = record
            return


def _first_with_any(order: Sequence[SourceVersion], unit: tuple[str, ...]) -> SourceVersion | None:
    return next((r for r in order if any(not _is_blank(r.values.get(n)) for n in unit)), None)


def _fold_special(rules: SurvivorshipRules, order: Sequence[SourceVersion], values: Values) -> None:
    for name in rules.earliest:
        found = _times(_counted(order), name) or _times(order, name)
        if found:
            values[name] = min(found)[1]
    for name in rules.union:
        united = _unite(name, _contributors(rules, order, name))
        if united:
            values[name] = united
    for name in rules.per_key:
        merged = _merge_keys(order, name)
        if merged:
            values[name] = merged


def _times(records: Sequence[SourceVersion], name: str) -> list[tuple[float, str]]:
    texts = [v for r in records if isinstance(v := r.values.get(name), str) and v]
    return [(_instant(v) if _is_time(v) else float("inf"), v) for v in texts]


def _merge_keys(order: Sequence[SourceVersion], name: str) -> Values:
    merged: Values = {}
    for record in order:
        own = record.values.get(name)
        if isinstance(own, dict):
            for key, value in own.items():
                if key not in merged and not _is_blank(value):
                    merged[key] = value
    return {key: merged[key] for key in sorted(merged)}


def _is_time(value: str) -> bool:
    return _instant(value) != float("-inf")


def _counted(order: Sequence[SourceVersion]) -> Sequence[SourceVersion]:
    """Return the records that are still at their source; all, if none is."""
    return [r for r in order if not r.gone] or order


def _contributors(
    rules: SurvivorshipRules, order: Sequence[SourceVersion], name: str
) -> Sequence[SourceVersion]:
    having = [r for r in order if _members(r, name)]
    if name in rules.trusted_union:
        having = [r for r in having if r.trust is Trust.TRUSTED] or having
    return _counted(having)


def _members(record: SourceVersion, name: str) -> list[JsonValue]:
    own = record.values.get(name)
    found = [v for v in own if not _is_blank(v)] if isinstance(own, list) else []
    primary = record.values.get("email") if name == "emails" else None
    return found if _is_blank(primary) else [primary, *found]


def _unite(name: str, records: Sequence[SourceVersion]) -> list[JsonValue]:
    found: dict[str, JsonValue] = {}
    for record in records:
        for member in _members(record, name):
            found.setdefault(str(member).casefold(), member)
    return list(found.values())


def _latest(edits: Sequence[Edit]) -> dict[str, Edit]:
    typed: dict[str, Edit] = {}
    for e in sorted(edits, key=lambda e: (_instant(e.at), e.who, repr(e.value))):
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
    orders: Mapping[str, Sequence[SourceVersion]],
    winners: Mapping[str, SourceVersion],
    typed: Mapping[str, Edit],
    rules: SurvivorshipRules,
) -> dict[str, FieldExplanation]:
    found: dict[str, FieldExplanation] = {}
    for name in values:
        order = orders[rules.fields.get(name, rules.default)]
        having = [r for r in order if not _is_blank(r.values.get(name))]
        winner = winners.get(name)
        if name in typed:
            e = typed[name]
            won = Candidate(f"edit/{e.who}", e.value, e.at)
            found[name] = FieldExplanation(won, tuple(_candidate(r, name) for r in having), "edit")
        elif winner is not None:
            losers = [r for r in having if r is not winner]
            found[name] = FieldExplanation(
                _candidate(winner, name),
                tuple(_candidate(r, name) for r in losers),
                _rule(winner, losers, rules, name),
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
        )
    rule = "union" if name in rules.union else "per_key"
    return FieldExplanation(None, tuple(_candidate(r, name) for r in having), rule)


def _rule(
    winner: SourceVersion, losers: Sequence[SourceVersion], rules: SurvivorshipRules, name: str
) -> str:
    """Name what put the winner before the next best."""
    if not losers:
        return "only"
    ranks = rules.groups[rules.fields.get(name, rules.default)]
    won, lost = _order(winner, ranks), _order(losers[0], ranks)
    if won > lost:
        return "unit"
    steps = ("trust", "gone", "precedence", "recency", "key")
    return next(s for s, a, b in zip(steps, won, lost, strict=True) if a != b)
