"""The columns of a foreign table, and its rows as matching reads them.

In: headers and rows of any CSV file of people. Out: a mapping field → columns, and `MatchView`s.
Not here: the file (`hub.cli.dedupe` reads it).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.errors import ConfigError
from hub.matching import normal
from hub.matching.keys import MatchView
from hub.matching.model_files import load, words
from hub.model import person_names
from hub.model.addresses import find_addresses
from hub.model.verdicts import Trust

FIELDS: dict[str, frozenset[str]] = {
    name: words(text) for name, text in load("columns.yaml")["fields"].items()
}
MAPPABLE = tuple(name for name in FIELDS if name != "name_or_last")
_EVIDENCE = frozenset(MAPPABLE) - {"country", "state", "street_number", "middle_name"}
_SEVERAL = frozenset({"email", "phone", "street"})
_MIN_WORD = 4
_SAMPLE = 200
_MOSTLY = 0.5
_SPLIT_NUMBERS = re.compile(r"\s*[;|,]\s*|\s+/\s+|\s+(?:or|ou|oder)\s+")
_AT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Field → indexes of its columns, in their order."""

    of: Mapping[str, tuple[int, ...]]
    headers: tuple[str, ...] = field(default=())

    def named(self) -> dict[str, list[str]]:
        """Return the mapping by the headers of the file."""
        return {name: [self.headers[i] for i in found] for name, found in self.of.items()}


def guess(headers: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> Columns:
    """Return the meaning of the columns, by their headers and, for e-mail, by their values.

    Raises:
        ConfigError: no column is about a person.
    """
    found: dict[str, list[int]] = {}
    for i, header in enumerate(headers):
        name = _field(header)
        if name is None and _is_mostly(sample, i, _AT):
            name = "email"
        if name is not None and (name not in found or name in _SEVERAL):
            found.setdefault(name, []).append(i)
    _resolve_name_columns(found)
    return _checked(found, headers)


def bind(document: object, headers: Sequence[str]) -> Columns:
    """Return the columns that a mapping file names: field → header or list of headers.

    Raises:
        ConfigError: an unknown field or header, or nothing usable.
    """
    if not isinstance(document, dict):
        raise ConfigError("the mapping must be a list of `field: column`", hint=_known())
    found: dict[str, list[int]] = {}
    for name, wanted in document.items():
        if name not in MAPPABLE:
            raise ConfigError(f"the mapping names an unknown field {name!r}", hint=_known())
        for header in wanted if isinstance(wanted, list) else [wanted]:
            if str(header) not in headers:
                raise ConfigError(
                    f"the mapping names column {str(header)!r}, which the file does not have",
                    hint=f"columns: {', '.join(headers)}",
                )
            found.setdefault(name, []).append(list(headers).index(str(header)))
    return _checked(found, headers)


def _known() -> str:
    return f"fields: {', '.join(MAPPABLE)}"


def _checked(found: Mapping[str, Sequence[int]], headers: Sequence[str]) -> Columns:
    if not _EVIDENCE & found.keys():
        raise ConfigError(
            f"no usable column among: {', '.join(headers)}",
            hint="name them with --mapping FILE: `email: <column>`, `last_name: <column>` …",
        )
    return Columns({name: tuple(i) for name, i in found.items()}, tuple(headers))


def _field(header: str) -> str | None:
    joined = "".join(normal.tokens(header))
    bare = joined.rstrip("0123456789")
    for form in (joined, bare):
        for name, known in FIELDS.items():
            if form in known:
                return name
    best: tuple[int, str] | None = None
    for name, known in FIELDS.items():
        for word in known:
            fits = len(word) >= _MIN_WORD and (bare.startswith(word) or bare.endswith(word))
            if fits and (best is None or len(word) > best[0]):
                best = (len(word), name)
    return None if best is None or _is_about_something_else(bare) else best[1]


_OTHER = re.compile(
    r"(id|uuid|guid|key|url|website|web|date|count|status|type|owner|optout|optin|consent|source|score)$"
    r"|^(id|is|has|num|count|created|updated|modified|user|product|event|file|campaign)"
)


def _is_about_something_else(bare: str) -> bool:
    return bool(_OTHER.search(bare))


def _is_mostly(sample: Sequence[Sequence[str]], i: int, pattern: re.Pattern[str]) -> bool:
    values = [row[i].strip() for row in sample[:_SAMPLE] if i < len(row) and row[i].strip()]
    return bool(values) and sum(bool(pattern.fullmatch(v)) for v in values) > _MOSTLY * len(values)


def _resolve_name_columns(found: dict[str, list[int]]) -> None:
    """Decide what `Nom` or `Name` means, by the other columns."""
    either = found.pop("name_or_last", None)
    if either and "last_name" not in found:
        found["last_name" if "first_name" in found else "full_name"] = either
    if "full_name" in found and "first_name" in found and "last_name" not in found:
        found["last_name"] = found.pop("full_name")  # Vorname, Name
    if "first_name" in found and "last_name" not in found and "full_name" not in found:
        found["full_name"] = found.pop("first_name")  # Nombre alone is the whole name


def views(rows: Sequence[Sequence[str]], columns: Columns) -> Iterator[MatchView]:
    """Yield the view of each row; its `record_id` is the row's 0-based number."""
    of = columns.of
    single = {name: found[0] for name, found in of.items()}
    for number, row in enumerate(rows):
        first, last = _names(row, single)
        emails = _emails(row, of.get("email", ()))
        yield MatchView(
            record_id=number,
            stable_key=f"{number:09}",
            trust=Trust.TRUSTED,
            first_name=first,
            last_name=last,
            email=emails[0] if emails else None,
            organization_name=_cell(row, single.get("company")),
            emails=emails,
            phones=_several(row, of.get("phone", ()), _SPLIT_NUMBERS),
            city=_cell(row, single.get("city")),
            street=_street(row, of),
            postal_code=_cell(row, single.get("postal_code")),
            birth_date=_cell(row, single.get("birth_date")),
            national_id=_cell(row, single.get("national_id")),
        )


_BLANK = frozenset({"", "-", "--", "n/a", "na", "nan", "null", "none", "nil", "?", "unknown", "."})


def _cell(row: Sequence[str], i: int | None) -> str | None:
    if i is None or i >= len(row):
        return None
    value = row[i].strip()
    return None if value.casefold() in _BLANK else value


def _emails(row: Sequence[str], columns: Sequence[int]) -> tuple[str, ...]:
    found = (find_addresses(value) for i in columns if (value := _cell(row, i)))
    return tuple(dict.fromkeys(one for of_cell in found for one in (*of_cell.valid, *of_cell.bad)))


def _several(row: Sequence[str], columns: Sequence[int], split: re.Pattern[str]) -> tuple[str, ...]:
    cells = [value for i in columns if (value := _cell(row, i))]
    return tuple(dict.fromkeys(part for cell in cells for part in split.split(cell) if part))


def _street(row: Sequence[str], of: Mapping[str, Sequence[int]]) -> str | None:
    columns = (*of.get("street_number", ()), *of.get("street", ()))
    parts = [value for i in columns if (value := _cell(row, i))]
    has_street = any(_cell(row, i) for i in of.get("street", ()))
    return " ".join(parts) if has_street else None


def _names(row: Sequence[str], single: Mapping[str, int]) -> tuple[str | None, str | None]:
    first = _cell(row, single.get("first_name"))
    middle = _cell(row, single.get("middle_name"))
    last = _cell(row, single.get("last_name"))
    if "full_name" in single and not (first and last):
        whole = split_name(_cell(row, single["full_name"]) or "")
        return (first or whole[0], last or whole[1])
    return (f"{first} {middle}" if first and middle else first), last


def split_name(text: str) -> tuple[str | None, str | None]:
    """Split a full name into given and family names.

    The splitter is that of mappings (`hub.model.person_names`). A suffix that distinguishes father and
    son stays with the family name.
    """
    name = person_names.split(" ".join(text.split()))
    last = name.last
    if name.suffix and normal.generation("", f"x {name.suffix}"):
        last = f"{last} {name.suffix}"
    return name.first or None, last or None
