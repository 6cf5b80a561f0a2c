"""The rules of survivorship as data: the order of values for each group of fields.

In: the parsed `survivorship.yaml`, and a customer's document that replaces what it names. Out:
bound rules for the fold, and the mistakes of a document. It reads only the shipped file.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from typing import Any

import yaml

from hub.model.entities import ENTITY_FIELDS, ColumnClass

_ELSE = "*"
Document = dict[str, Any]
Fault = tuple[tuple[str | int, ...], str]


class By(StrEnum):
    """What decides between values of equally trusted records."""

    PRECEDENCE = "precedence"
    RECENT = "recent"
    LONGEST = "longest"


@dataclass(frozen=True)
class Group:
    """The order of a group of fields, and the rank of each source; 0 is best."""

    by: By
    ranks: Mapping[str, int]

    def rank(self, source: str) -> int:
        """Return the rank of a source; one that is not named has that of `*`."""
        found = self.ranks.get(source)
        return self.ranks.get(_ELSE, len(self.ranks)) if found is None else found


@dataclass(frozen=True)
class SurvivorshipRules:
    """The rules of a document, bound."""

    groups: Mapping[str, Group]
    default: str
    fields: Mapping[str, str] = field(default_factory=dict)
    union: frozenset[str] = frozenset()
    trusted_union: frozenset[str] = frozenset()
    per_key: frozenset[str] = frozenset()
    earliest: frozenset[str] = frozenset()
    units: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def bind(cls, document: Mapping[str, Any]) -> "SurvivorshipRules":
        """Return the rules of a whole document."""
        return cls(
            groups={
                name: Group(By(g["by"]), {source: i for i, source in enumerate(g["order"])})
                for name, g in document["groups"].items()
            },
            default=document["default"],
            fields=dict(document.get("fields", {})),
            union=frozenset(document.get("union", ())),
            trusted_union=frozenset(document.get("trusted_union", ())),
            per_key=frozenset(document.get("per_key", ())),
            earliest=frozenset(document.get("earliest", ())),
            units=tuple(tuple(u) for u in document.get("units", ())),
        )

    @cached_property
    def special(self) -> frozenset[str]:
        """Return the fields that are combined from several records."""
        return self.union | self.per_key | self.earliest

    def group_of(self, name: str) -> str:
        """Return the group of a field."""
        return self.fields.get(name, self.default)

    def goes_by(self, name: str) -> str:
        """Return a field's group and what it goes by, for people."""
        group = self.group_of(name)
        return f"{group}: {self.groups[group].by}"


def _shipped() -> Document:
    document: Document = yaml.load(
        (files("hub.golden") / "survivorship.yaml").read_text(), Loader=yaml.CSafeLoader
    )
    return document


SHIPPED = _shipped()
DEFAULT_RULES = SurvivorshipRules.bind(SHIPPED)


def overlaid(own: Mapping[str, Any]) -> Document:
    """Return the shipped document, with the entries of a customer's document in their place.

    A new group without an order has that of the default group.
    """
    groups = {name: dict(group) for name, group in SHIPPED["groups"].items()}
    default = own.get("default", SHIPPED["default"])
    usual = {"by": By.PRECEDENCE.value, "order": groups[SHIPPED["default"]]["order"]}
    for name, group in own.get("groups", {}).items():
        groups[name] = {**groups.get(name, usual), **group}
    fields = {**SHIPPED["fields"], **own.get("fields", {})}
    return {**SHIPPED, "groups": groups, "default": default, "fields": fields}


def faults(own: Any) -> Iterator[Fault]:
    """Yield the mistakes of a customer's document: the place, and what to do about it."""
    if not isinstance(own, dict):
        yield (), "survivorship rules are a YAML mapping: groups, fields, default"
        return
    yield from _unknown((), own, ("version", "groups", "fields", "default"))
    if own.get("version", 1) != 1:
        yield ("version",), "the version is 1"
    groups, fields = own.get("groups", {}), own.get("fields", {})
    for name, found in (("groups", groups), ("fields", fields)):
        if not isinstance(found, dict):
            yield (name,), f"{name} is a YAML mapping"
            return
    for name, group in groups.items():
        yield from _group_faults(name, group)
    known = {*SHIPPED["groups"], *groups}
    foldable = _foldable()
    for name, group in fields.items():
        yield from _unknown(("fields",), {name: None}, foldable)
        if group not in known:
            yield ("fields", name), f"there is no group {group!r}{_near(group, known)}"
    if "default" in own and own["default"] not in known:
        yield ("default",), f"there is no group {own['default']!r}{_near(own['default'], known)}"


def _group_faults(name: str, group: Any) -> Iterator[Fault]:
    place = ("groups", name)
    if not isinstance(group, dict):
        yield place, "a group is a YAML mapping: by, order"
        return
    yield from _unknown(place, group, ("by", "order"))
    ways = [way.value for way in By]
    if "by" in group and group["by"] not in ways:
        yield (*place, "by"), f"by is one of {', '.join(ways)}{_near(group['by'], ways)}"
    order = group.get("order", [])
    if not isinstance(order, list):
        yield (*place, "order"), "order is a list of sources, the best first"
        return
    sources = _sources()
    for i, source in enumerate(order):
        if source not in sources:
            yield (*place, "order", i), f"{source!r} is no source{_near(source, sources)}"
        elif source in order[:i]:
            yield (*place, "order", i), f"{source!r} stands twice"


def _sources() -> list[str]:
    return sorted({source for group in SHIPPED["groups"].values() for source in group["order"]})


def _foldable() -> list[str]:
    named = {f.name for entity in ("lead", "contact") for f in ENTITY_FIELDS[entity] if f.column_class is ColumnClass.FOLDED}  # fmt: skip
    return sorted(named)


def _unknown(place: tuple[str, ...], found: Mapping[Any, Any], known: Any) -> Iterator[Fault]:
    for key in found:
        if key not in known:
            yield (*place, key), f"unknown key {key!r}{_near(key, known)}"


def _near(word: object, known: Any) -> str:
    near = difflib.get_close_matches(str(word), sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
