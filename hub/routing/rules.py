"""Routing rules: read in order, the first that holds names a person or a group.

In: a lead's canonical values (plus `source`), rules, a fallback. Out: a target and the reasons,
in the rule's words, never in the lead's, so that a reason holds no personal value. What does not
belong here: whose turn it is in a group (`hub.routing.ring`).
"""

import difflib
import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from functools import lru_cache
from typing import Literal, Self

from hub.errors import ConfigError
from hub.frozen import dataclass
from hub.model.records import JsonValue

TargetKind = Literal["user", "group", "account"]
ACCOUNT_OWNER = "account_owner_id"  # of a lead: the owner of its company's account, if any

COMPANY = "company"  # of a lead: the fields of its account, if any
SHORT: Mapping[str, tuple[str, ...]] = {
    "company_size": ("custom_fields.employees", "company.custom_fields.employees"),
    "language": ("custom_fields.language", "custom_fields.locale"),
}
"""Names for what sources keep in several places: the first one that has a value counts."""

_ACCENT = re.compile(r"[\u0300-\u036f]")
_UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"})


_COMPARED = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\s*")
_OTHER = re.compile(r"\s*!=\s*(\S.*)")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A person (`name` is the e-mail address), a distribution group, or the account's owner."""

    kind: TargetKind
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `user:EMAIL`, `group:NAME` or `account:owner`.

        Raises:
            ConfigError: the text is neither.
        """
        kind, _, rest = text.partition(":")
        kind, name = kind.strip().lower(), rest.strip()
        if kind == "user" and re.fullmatch(r"[^\s@]+@[^\s@]+", name):
            return cls("user", name)
        if kind == "group" and name:
            return cls("group", name)
        if kind == "account" and name.lower() == "owner":
            return cls("account", "owner")
        raise ConfigError(
            f"routing target {text!r} is neither a person nor a group",
            hint="write user:EMAIL, group:NAME or account:owner",
        )

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """All conditions of `when` hold → `target`. No condition at all holds always.

    A condition is a field and a value, or a field and a list of which one must be met. Text is
    compared without case, accents and surplus spaces. A list field (`tags`, `emails`) meets a
    value that is among its members. `custom_fields.NAME` looks into an object, and `company.NAME` into
    the account of the lead. `>= 50`, `> 50`, `<= 50`, `< 50` and `50..200` compare numbers; `!= FR`
    holds where the value is another, or none.
    """

    name: str
    when: Mapping[str, str | Sequence[str]]
    target: Target


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a lead goes; `rule_name` is None when the fallback took it."""

    target: Target
    rule_name: str | None
    reasons: tuple[str, ...] = field(default=())


def fold(text: str) -> str:
    """Return `text` without case, Latin accents and surplus spaces, for comparison only."""
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return " ".join(plain.translate(_UNDECOMPOSED).casefold().split())


def bind(rules: Iterable[RoutingRule], known_fields: Collection[str]) -> tuple[RoutingRule, ...]:
    """Return the rules after checking them against the model, before any lead is read.

    Raises:
        ConfigError: an unknown field, a name used twice, or a value that is no text.
    """
    bound = tuple(rules)
    seen: set[str] = set()
    for rule in bound:
        if not rule.name.strip() or rule.name in seen:
            raise ConfigError(
                f"routing rule {rule.name!r}: every rule needs a name of its own",
                hint="the name is what a person reads as the reason for an assignment",
            )
        seen.add(rule.name)
        for name, wanted in rule.when.items():
            _check_field(rule, name, known_fields)
            _check_wanted(rule, name, wanted)
    return bound


def decide(
    lead: Mapping[str, JsonValue], rules: Sequence[RoutingRule], fallback: Target
) -> Decision:
    """Return the first rule's target whose conditions all hold, else the fallback."""
    for rule in rules:
        if rule.target.kind == "account" and lead.get(ACCOUNT_OWNER) is None:
            continue  # no account is known, or it has no owner
        if all(_holds(lead, name, wanted) for name, wanted in rule.when.items()):
            return Decision(rule.target, rule.name, (_conditions_text(rule),))
    return Decision(fallback, None, (f"no rule of {len(rules)} holds: fallback {fallback}",))


def _check_field(rule: RoutingRule, name: str, known_fields: Collection[str]) -> None:
    head, dot, rest = name.partition(".")
    if name in known_fields or name in SHORT:
        return
    if dot and rest and head in ("custom_fields", COMPANY) and head in known_fields:
        return
    near = difflib.get_close_matches(name, sorted(known_fields), n=1)
    raise ConfigError(
        f"routing rule {rule.name!r}: unknown field {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known_fields))}",
    )


def _check_wanted(rule: RoutingRule, name: str, wanted: object) -> None:
    values = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise ConfigError(
            f"routing rule {rule.name!r}: {name} must be a text or a list of texts",
            hint='put quotes around it: in YAML a bare NO is false and 12 a number, "NO" is text',
        )


def _holds(lead: Mapping[str, JsonValue], name: str, wanted: str | Sequence[str]) -> bool:
    met = _words(looked_up(lead, name))
    return any(_meets(met, value) for value in _listed(wanted))


def _meets(met: set[str], wanted: str) -> bool:
    if wanted[:1] in _FIRST:
        if found := _COMPARED.fullmatch(wanted):
            compare, limit = _COMPARE[found[1]], float(found[2])
            return any(compare(number, limit) for number in _numbers(met))
        if found := _OTHER.fullmatch(wanted):
            return _folded_once(found[1]) not in met
        if found := _RANGE.fullmatch(wanted):
            low, high = float(found[1]), float(found[2])
            return any(low <= number <= high for number in _numbers(met))
    return _folded_once(wanted) in met


_FIRST = frozenset("<>!=-0123456789 ")


def _numbers(met: set[str]) -> list[float]:
    found = []
    for word in met:
        with suppress(ValueError):
            found.append(float(word))
    return found


def looked_up(lead: Mapping[str, JsonValue], name: str) -> JsonValue:
    """Return the value of a field of a rule; None where the lead has none."""
    if name in lead:
        return lead[name]
    if name in SHORT:
        values = (looked_up(lead, place) for place in SHORT[name])
        return next((value for value in values if value not in (None, "")), None)
    head, _, rest = name.partition(".")
    inner = lead.get(head)
    return looked_up(inner, rest) if isinstance(inner, dict) and rest else None


def fields_of(rules: Iterable[RoutingRule]) -> frozenset[str]:
    """Return the fields of a lead that rules read, by their first part: `company.industry` is company."""
    names = {name for rule in rules for name in rule.when}
    places = {place for name in names for place in SHORT.get(name, (name,))}
    return frozenset(place.partition(".")[0] for place in places)


def _words(value: JsonValue) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_words(item) for item in value))
    if value is None or isinstance(value, dict):
        return set()
    if isinstance(value, bool):
        return {"true" if value else "false"}
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return {fold(str(value))} - {""}


def _listed(wanted: str | Sequence[str]) -> Sequence[str]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _conditions_text(rule: RoutingRule) -> str:
    told = [f"{name} is {' or '.join(_listed(wanted))}" for name, wanted in rule.when.items()]
    everybody = "account is known" if rule.target.kind == "account" else "every lead"
    return f"rule {rule.name}: {', '.join(told) or everybody}"


_folded_once = lru_cache(maxsize=4096)(fold)
