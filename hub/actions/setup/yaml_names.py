"""The names in hub.yaml. No command rewrites this file, so each mention is reported with its line.

In: the settings, and the file that they were read from. Out: mentions of a thing, for rename and removal;
and mentions of things that are unknown, for `hub check`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from hub.crm import custom_fields, named, word_rows, words
from hub.crm.words import PEOPLE, scope_of
from hub.lists.places import Target
from hub.model.nearest import hint
from hub.model.words import key
from hub.settings import Settings
from hub.settings.lines import line_of

_CUSTOM = "custom_fields."
# field of a rule → kind of thing that its values name
_KINDS = {
    "status": "status",
    "unqualified_reason": "lead_reason",
    "lead_source": "source",
    "tags": "tag",
}


@dataclass(frozen=True, slots=True)
class Written:
    """The settings, and the file that they were read from."""

    settings: Settings
    path: Path | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in hub.yaml.

    Args:
        kind: of the thing that is named.
        name: as hub.yaml has it.
        scope: of a choice, and of a custom field.
        where: `rule Lyon`, `crm.reopen_unqualified_to`, …
        place: for the line.
    """

    kind: str
    name: str
    where: str
    place: tuple[str | int, ...]
    scope: str = ""

    def told(self, written: Written) -> str:
        """Return its place: file, line, and the setting."""
        line = line_of(written.path, self.place)
        at = f"{written.path}:{line}" if written.path and line else "settings"
        return f"{at}: {self.where}"


def mentions(settings: Settings) -> Iterator[Mention]:
    """Return every name of a thing in hub.yaml."""
    for number, rule in enumerate(settings.routing.rules):
        where, place = f"routing rule {rule.name!r}", ("routing", "rules", number)
        for field, wanted in rule.when.items():
            inside = (*place, "when", field)
            if field.startswith(_CUSTOM):
                yield Mention("field", field.removeprefix(_CUSTOM), where, inside, "lead")
            kind = "choice" if field.startswith(_CUSTOM) else _KINDS.get(field)
            if kind is not None:
                scope = scope_of("lead", field.removeprefix(_CUSTOM)) if kind == "choice" else ""
                for value in [wanted] if isinstance(wanted, str) else wanted:
                    yield Mention(kind, value, where, inside, scope)
        yield from _assigned(rule.assign, where, (*place, "assign"))
    yield from _assigned(settings.routing.fallback, "routing.fallback", ("routing", "fallback"))
    if settings.crm.reopen_unqualified_to is not None:
        name = "reopen_unqualified_to"
        yield Mention("status", settings.crm.reopen_unqualified_to, f"crm.{name}", ("crm", name))
    for number, group in enumerate(settings.groups):
        for member in group.members:
            yield Mention(
                "user", member.email, f"group {group.name!r}", ("groups", number, "members")
            )


def _assigned(target: str, where: str, place: tuple[str | int, ...]) -> Iterator[Mention]:
    kind, _, name = target.partition(":")
    if kind in {"user", "group"}:
        yield Mention(kind, name.strip(), where, place)


def naming(written: Written | None, target: Target) -> list[str]:
    """Return where hub.yaml names a thing, each with its line; a default that is not written is none."""
    if written is None:
        return []
    wanted = key(target.kind, target.name) if target.kind != "user" else target.name.lower()
    found = []
    for one in mentions(written.settings):
        said = key(one.kind, one.name) if one.kind != "user" else one.name.lower()
        scope = target.scope if target.kind == "choice" else one.scope
        is_people = target.kind != "field" or target.scope in PEOPLE
        is_written = line_of(written.path, one.place) is not None
        if one.kind == target.kind and said == wanted and one.scope == scope and is_people and is_written:  # fmt: skip
            found.append(one.told(written))
    return found


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown name in hub.yaml; `is_error` is False if records may still contain it."""

    where: str
    message: str
    hint: str
    is_error: bool = True


def unknown(conn: Connection, written: Written) -> list[Unknown]:
    """Return the unknown names in the rules of hub.yaml, each with its line."""
    found = []
    for one in mentions(written.settings):
        if one.kind in {"user", "group"} or line_of(written.path, one.place) is None:
            continue
        known = _known(conn, one)
        if known is None:
            continue
        now = words.today(conn, one.kind, one.scope, one.name) if one.kind in named.LABELS else None
        what = named.LABELS[one.kind]
        if now is not None:
            message, told = f"{what} {one.name!r} is named {now!r} now", f"write {now!r}"
        else:
            message, told = f"there is no {what} {one.name!r}", hint(one.name, known)
        found.append(
            Unknown(one.told(written), message, told, now is not None or one.kind not in {"tag", "source"})
        )  # fmt: skip
    return found


def _known(conn: Connection, one: Mention) -> Sequence[str] | None:
    """Return the known names of a kind; None if this name is one of them, or may be any."""
    fields = custom_fields.fields_of(conn, "lead")
    if one.kind == "field":
        is_there = one.name in fields or word_rows.has_key(conn, one.name)
        return None if is_there else list(fields)
    if one.kind == "choice":
        field = fields.get(one.scope.partition(".")[2])
        known = list(field.choices) if field is not None else []
    else:
        known = [thing.name for thing in named.things(conn, one.kind)]
    is_there = one.name.casefold() in {name.casefold() for name in known}
    if one.kind != "status" and not is_there:
        is_there = word_rows.is_held(conn, one.kind, one.scope, one.name)
    return None if is_there or (one.kind == "choice" and not known) else known
