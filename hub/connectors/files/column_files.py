"""The mapping file of `hub migrate FILE --mapping`: which field each column of a table is.

In: YAML text. Out: `TableMapping`s. An error names the file, the line and the nearest valid word. Not
here: the proposal of such a file (`proposals`).

    files:
      leads.csv:
        kind: leads
        columns:
          Prénom: first_name
          Budget: custom.Budget
          Taille: {to: custom.Taille, type: list, choices: [Petit, Grand]}
          Interne: skip
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from hub.connectors.files.layouts import DayOrder
from hub.connectors.files.vocabulary import KINDS, fields_of
from hub.errors import ConfigError

SKIP, QUESTION, CUSTOM = "skip", "?", "custom."
_KEYS = ("kind", "columns", "encoding", "time_zone", "dates", "decimal")
_ORDERS = (DayOrder.DAY_FIRST.value, DayOrder.MONTH_FIRST.value)


@dataclass(frozen=True, slots=True)
class CustomType:
    """The type that a custom field gets: a type of custom fields, and the choices of a list."""

    type: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What the user says about a table; "" and None leave it to the hub.

    Args:
        kind: leads, contacts, companies, deals or activities.
        columns: header → field, `custom.<name>`, `skip` or `?`.
        encoding: of the file.
        zone: of times without an offset.
        dates: header → order of days and months; the key "" is for all columns.
        decimal: the decimal sign of all columns.
        types: header → the type of the custom field, which the migration then defines.
    """

    kind: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    zone: ZoneInfo | None = None
    dates: Mapping[str, DayOrder] = field(default_factory=dict)
    decimal: str = ""
    types: Mapping[str, CustomType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnFile:
    """A mapping file: the mapping of each table it names; `""` is for tables it does not name."""

    tables: Mapping[str, TableMapping]

    def of(self, name: str, file_name: str) -> TableMapping:
        """Return the mapping of a table, by the table's name, else by the file's."""
        for one in (name, file_name, ""):
            if one in self.tables:
                return self.tables[one]
        return TableMapping()


def read_columns(path: Path) -> ColumnFile:
    """Read a mapping file.

    Raises:
        ConfigError: it cannot be read, or has a mistake.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read {path}: {exc}", hint="check the path of --mapping") from exc
    return parse_columns(text, path.name)


def parse_columns(text: str, name: str) -> ColumnFile:
    """Return the mapping file in a text; errors show `name` as the file."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        value = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(
            f"{where}: this is not valid YAML", hint="quote texts with `:` or `#`"
        ) from exc
    reader = _Reader(name, dict(_lines(node, ())))
    if not isinstance(value, dict):
        raise ConfigError(
            f"{name}: a mapping file begins with `files:`", hint="--propose writes one"
        )
    if "emit" in value:
        raise ConfigError(
            f"{name} is a mapping of the hub, not of columns",
            hint="put it into the folder mappings_dir as csv/<kind>.yaml",
        )
    if "files" in value:
        reader.check_keys(value, ("files",), ())
        found = reader.mapping(value["files"], ("files",))
        return ColumnFile(
            {str(k): reader.table(one, ("files", str(k))) for k, one in found.items()}
        )
    return ColumnFile({"": reader.table(value, ())})


def _lines(node: yaml.Node | None, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*place, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _lines(child, here)


class _Reader:
    """Checks values, and says the line of a mistake."""

    def __init__(self, name: str, lines: Mapping[tuple[str, ...], int]) -> None:
        self._name = name
        self._lines = lines

    def wrong(self, place: tuple[str, ...], what: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._name}:{self._lines.get(place, 1)}: {what}", hint=hint)

    def mapping(self, value: Any, place: tuple[str, ...]) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self.wrong(
                place, f"{place[-1] if place else 'the file'} is a YAML mapping", "key: value"
            )
        return value

    def check_keys(
        self, value: Mapping[Any, Any], known: Sequence[str], place: tuple[str, ...]
    ) -> None:
        for key in value:
            if key not in known:
                raise self.wrong(
                    (*place, str(key)), f"unknown key {str(key)!r}", _near(str(key), known)
                )

    def one_of(self, value: Any, known: Sequence[str], place: tuple[str, ...]) -> str:
        if value not in known:
            raise self.wrong(place, f"{place[-1]} cannot be {value!r}", _near(str(value), known))
        return str(value)

    def table(self, value: Any, place: tuple[str, ...]) -> TableMapping:
        held = self.mapping(value, place)
        self.check_keys(held, _KEYS, place)
        is_said = held.get("kind") not in {None, "", QUESTION}
        kind = self.one_of(held["kind"], KINDS, (*place, "kind")) if is_said else ""
        columns: dict[str, str] = {}
        dates: dict[str, DayOrder] = {}
        types: dict[str, CustomType] = {}
        here = (*place, "columns")
        for header, to in self.mapping(held.get("columns") or {}, here).items():
            at = (*here, str(header))
            if isinstance(to, dict):
                self.check_keys(to, ("to", "dates", "type", "choices"), at)
                if to.get("type"):
                    types[str(header)] = self.custom_type(to, at)
                if to.get("dates") not in {None, QUESTION}:
                    dates[str(header)] = DayOrder(self.one_of(to["dates"], _ORDERS, (*at, "dates")))
                to = to.get("to")  # noqa: PLW2901 the long form holds the short one
            columns[str(header)] = self._field(to, kind, at)
        if held.get("dates") not in {None, QUESTION}:
            dates[""] = DayOrder(self.one_of(held["dates"], _ORDERS, (*place, "dates")))
        decimal = (
            self.one_of(held["decimal"], (",", "."), (*place, "decimal"))
            if held.get("decimal")
            else ""
        )
        encoding = str(held["encoding"]) if held.get("encoding") else None
        return TableMapping(
            kind, columns, encoding, self._zone(held.get("time_zone"), place), dates, decimal, types
        )

    def custom_type(self, value: Mapping[Any, Any], place: tuple[str, ...]) -> CustomType:
        if not str(value.get("to") or "").startswith(CUSTOM):
            raise self.wrong(
                (*place, "type"), "only a custom field gets a type", f"to: {CUSTOM}{place[-1]}"
            )
        choices = value.get("choices") or []
        if not isinstance(choices, list):
            raise self.wrong((*place, "choices"), "choices is a YAML list", "choices: [A, B]")
        return CustomType(str(value["type"]), tuple(str(one) for one in choices))

    def _field(self, value: Any, kind: str, place: tuple[str, ...]) -> str:
        if value is None or value == SKIP:
            return SKIP
        if value == QUESTION or (
            isinstance(value, str) and value.startswith(CUSTOM) and value != CUSTOM
        ):
            return str(value)
        known = sorted({f for one in ([kind] if kind else KINDS) for f in fields_of(one)})
        if value not in known:
            what = f"{place[-1]!r} cannot be {value!r}: there is no such field"
            raise self.wrong(place, what, _near(str(value), [*known, SKIP]))
        return str(value)

    def _zone(self, value: Any, place: tuple[str, ...]) -> ZoneInfo | None:
        if not value:
            return None
        try:
            return ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise self.wrong(
                (*place, "time_zone"),
                f"there is no time zone {value!r}",
                "for example Europe/Paris",
            ) from exc


def _near(word: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else f"one of {', '.join(known)}"
