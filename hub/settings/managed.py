"""What hub.yaml manages of the team, and in which line: a command that changes it names the line.

In: the file. Out: places as `hub.yaml:12`. Not here: what the settings are (`loading` has checked them).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hub.settings.blocks import RoutingSettings
from hub.settings.loading import find

FILE = "hub.yaml"
_VARIABLE = "HUB_ROUTING__FALLBACK"
FALLBACK: str = RoutingSettings.model_fields["fallback"].default


@dataclass(frozen=True, slots=True)
class Managed:
    """Places in hub.yaml; e-mails and names of groups are in lower case.

    Args:
        people: e-mail → the line of the person.
        left: e-mails of people of whom the file says `active: false`.
        preferences: (e-mail, event) → the line of the choice under `notify:`; and (e-mail, key) → the line of
            `language`, `quiet`, `digest_at` and `apprise`.
        groups: name → the line of the group.
        members: (name of the group, e-mail) → the line of the member.
        rules: name of a group → the lines of routing that name it.
        routed: e-mail of a user → the lines of routing that name the user.
    """

    people: Mapping[str, str] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    preferences: Mapping[tuple[str, str], str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    routed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING = Managed()
PROFILE = ("language", "quiet", "digest_at", "apprise")
"""Keys of a person that `hub notify profile` sets otherwise."""


def managed(config: Path | str | None = None) -> Managed:
    """Return what the hub.yaml that `load` reads says of people, groups and routing."""
    path = find(config)
    root = None if path is None else yaml.compose(path.read_text(encoding="utf-8"))
    return _Reader(str(path or FILE)).read(root)


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str

    def read(self, root: yaml.Node | None) -> Managed:
        people, left, preferences = self._people(root)
        groups: dict[str, str] = {}
        members: dict[tuple[str, str], str] = {}
        for node in _items(_under(root, "groups")):
            name = _text(node, "name").lower()
            groups[name] = self._place(node)
            for one in _items(_under(node, "members")):
                email = one.value if isinstance(one, yaml.ScalarNode) else _text(one, "email")
                members[name, str(email).lower()] = self._place(one)
        rules, routed = self._named(root, "group"), self._named(root, "user")
        return Managed(people, left, preferences, groups, members, rules, routed)

    def _people(
        self, root: yaml.Node | None
    ) -> tuple[dict[str, str], frozenset[str], dict[tuple[str, str], str]]:
        people: dict[str, str] = {}
        left: set[str] = set()
        preferences: dict[tuple[str, str], str] = {}
        for node in _items(_under(root, "people")):
            email = _text(node, "email").lower()
            people[email] = self._place(node)
            if _text(node, "active").lower() in {"false", "no", "off"}:
                left.add(email)
            for key, _ in _pairs(_under(node, "notify")):
                preferences[email, str(key.value)] = self._place(key)
            for key, _ in _pairs(node):
                if key.value in PROFILE:
                    preferences[email, str(key.value)] = self._place(key)
        return people, frozenset(left), preferences

    def _named(self, root: yaml.Node | None, wanted: str) -> dict[str, tuple[str, ...]]:
        """Return group or user → the lines of routing that name it."""
        routing = _under(root, "routing")
        nodes = [_under(rule, "assign") for rule in _items(_under(routing, "rules"))]
        found: dict[str, tuple[str, ...]] = {}
        for node in (*nodes, _under(routing, "fallback")):
            kind, _, name = str(node.value if node else "").partition(":")
            if node is not None and kind == wanted:
                key = name.strip().lower()
                found[key] = (*found.get(key, ()), self._place(node))
        kind, _, name = FALLBACK.partition(":")
        is_set = _under(routing, "fallback") is not None or _VARIABLE in os.environ
        if kind == wanted and not is_set:
            told = f"{self.path}: routing.fallback is {FALLBACK} unless the file says otherwise"
            found[name] = (*found.get(name, ()), told)
        return found

    def _place(self, node: yaml.Node) -> str:
        return f"{self.path}:{node.start_mark.line + 1}"


def _pairs(node: yaml.Node | None) -> Iterator[tuple[Any, Any]]:
    yield from node.value if isinstance(node, yaml.MappingNode) else ()


def _items(node: yaml.Node | None) -> Iterator[Any]:
    yield from node.value if isinstance(node, yaml.SequenceNode) else ()


def _under(node: yaml.Node | None, key: str) -> Any:
    return next((value for name, value in _pairs(node) if name.value == key), None)


def _text(node: yaml.Node | None, key: str) -> str:
    found = _under(node, key)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else ""
