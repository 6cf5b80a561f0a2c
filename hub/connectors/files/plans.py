"""The plan of a call: each table's kind, and what each column is and how its cells are written.

In: paths, a mapping file. Out: `TablePlan`s with questions. Each table is read once here. Nothing
ambiguous is decided: a date that can be read in two ways stays as typed, and is a question.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.connectors.files.column_files import (
    CUSTOM,
    QUESTION,
    SKIP,
    ColumnFile,
    CustomType,
    TableMapping,
)
from hub.connectors.files.layouts import DayOrder
from hub.connectors.files.profiles import ColumnProfile, Profile, profile_of
from hub.connectors.files.tables import Table, tables_of
from hub.connectors.files.text_rows import Row
from hub.connectors.files.vocabulary import (
    activity_type,
    fields_of,
    ignored,
    meaning_of,
    type_of,
)
from hub.errors import ConfigError

_NO_MAPPING = ColumnFile({})
_NOTHING_SAID = TableMapping()
_IS_ORGANIZATION = "is_organization"
_YES = frozenset(("true", "1", "yes", "oui", "vrai", "x"))
_CUSTOM_OF_SELL = re.compile(r"custom (?:\([a-z ]+\) )?(?=\S)")
"""The exports of Sell name a custom field `custom Budget`, or `custom (contact) Budget`."""
_OF_COMPANIES = {"full_name": "name", "company": "parent", "company_id": "parent_id"}
"""What a column of a table of contacts is in a row of a company."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Args:
        header: its name.
        field: a field of the hub, `custom.<name>`, or "" for a column that is left out.
        type: how its cells are read: text, date, datetime or number.
        order: of days and months, of a column of dates.
        sign: the decimal sign of a column of numbers; "" if the column does not say.
        held: what its cells hold.
        question: what must be decided; "" if nothing.
        custom: the type that its custom field gets; None: the values are kept without a definition.
    """

    header: str
    field: str
    type: str
    order: DayOrder
    sign: str
    held: ColumnProfile
    question: str = ""
    custom: CustomType | None = None


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What is read of one table.

    Args:
        table: the table.
        kind: leads, contacts, companies, deals or activities.
        columns: in the table's order.
        held: what the rows hold.
        zone: of times without an offset.
        question: what must be decided about the table; "" if nothing.
        row_type: what the rows of activities are where no column says it; "" if it is not known.
        flag: the number of the column that says whether a row is a company: such a table of contacts has
            a second plan, for its companies. None: all rows are of one kind.
    """

    table: Table
    kind: str
    columns: tuple[Column, ...]
    held: Profile
    zone: ZoneInfo | None = None
    question: str = ""
    row_type: str = ""
    flag: int | None = None

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the table that are of this kind; rows that cannot be read are contacts."""
        return filter(_is_of(self.kind, self.flag), self.table.rows())

    @property
    def is_second(self) -> bool:
        """Whether another plan has the table's contacts, and says what was found in the table."""
        return self.flag is not None and self.kind == "companies"

    def number_of(self, field: str) -> int | None:
        """Return the number of the column that is a field."""
        return next((i for i, column in enumerate(self.columns) if column.field == field), None)

    @property
    def questions(self) -> list[str]:
        """Return everything that must be decided, as sentences that name the table."""
        if self.is_second:
            return []
        found = [f"{self.table.name}: {self.question}"] if self.question else []
        return found + [
            f"{self.table.name}, column {c.header!r}: {c.question}"
            for c in self.columns
            if c.question
        ]

    @property
    def notes(self) -> list[str]:
        """Return what was found or left out, as sentences that name the table."""
        if self.is_second:
            return []
        found = list(self.table.notes)
        if self.held.faults_n:
            shown = "; ".join(self.held.faults)
            found.append(f"{self.table.name}: {_rows(self.held.faults_n)} cannot be read ({shown})")
        return found


def plan_files(paths: Sequence[Path], columns: ColumnFile | None = None) -> list[TablePlan]:
    """Return the plans of all tables with rows.

    Raises:
        ConfigError: a file cannot be read, or the kind of a table is not known.
    """
    said = columns or _NO_MAPPING
    twice = [name for name, n in Counter(path.name for path in paths).items() if n > 1]
    if twice:
        raise ConfigError(f"two files are called {twice[0]}", hint="rename one of them")
    return [
        plan
        for path in paths
        for table in tables_of(path, said.of(path.name, path.name).encoding)
        for plan in _plans(table, said.of(table.name, path.name))
    ]


def _plans(table: Table, said: TableMapping) -> list[TablePlan]:
    """Return the plan of a table; two for a table of contacts that has companies too."""
    first = plan_table(table, said)
    if first.kind != "contacts" or first.number_of(_IS_ORGANIZATION) is None:
        return [first]
    number = first.number_of(_IS_ORGANIZATION)
    contacts = _plan(table, said, "contacts", flag=number)
    companies = _plan(table, said, "companies", flag=number)
    return [replace(contacts, question=first.question), companies]


def plan_table(table: Table, said: TableMapping = _NOTHING_SAID, *, assumed: str = "") -> TablePlan:
    """Return the plan of a table.

    Args:
        table: read once.
        said: by the user.
        assumed: the kind of the rows if neither the user nor the headers say it.

    Raises:
        ConfigError: the kind of the rows is not known, or the mapping names a column that is not there.
    """
    unknown = [header for header in said.columns if header not in table.headers]
    if unknown:
        raise ConfigError(
            f"the mapping names the column {unknown[0]!r}, which {table.name} does not have",
            hint=f"its columns: {', '.join(table.headers)[:500]}",
        )
    meaning = meaning_of(table.headers, table.name, said.kind)
    kind = meaning.kind or (_kind_by_fields(said) if said.columns else "") or assumed
    if not kind:
        raise ConfigError(
            f"it is not clear what the rows of {table.name} are: its columns are {', '.join(table.headers)[:300]}",
            hint="hub migrate FILE --propose mapping.yaml writes a mapping file; set `kind` and `columns` in it",
        )
    plan = _plan(table, said, kind, known=meaning.fields)
    if not meaning.also or said.kind:
        return plan
    may = " or ".join(meaning.also)
    question = f"the rows were taken for {kind}; they may be {may}: set `kind`"
    return replace(plan, question=question)


def _plan(
    table: Table,
    said: TableMapping,
    kind: str,
    *,
    known: Sequence[str] = (),
    flag: int | None = None,
) -> TablePlan:
    """Return the plan of the rows of one kind; the field of each column is `known`, else follows from the headers."""
    fields = _fields(table, known or meaning_of(table.headers, table.name, kind).fields, said)
    if flag is not None and kind == "companies":
        fields = _of_companies(table, fields, said)
    types = {
        i: type_of(field)
        for i, field in enumerate(fields)
        if field and not field.startswith(CUSTOM)
    } | {
        i: said.types[header].type for i, header in enumerate(table.headers) if header in said.types
    }
    held = profile_of(table, types, _is_of(kind, flag))
    left_out = ignored(table.headers)
    made = tuple(
        _column(header, field, held.columns[i], said, is_ignored=header in left_out)
        for i, (header, field) in enumerate(zip(table.headers, fields, strict=True))
    )
    row_type = activity_type(table.name) if kind == "activities" else ""
    return TablePlan(table, kind, made, held, said.zone, row_type=row_type, flag=flag)


def _is_of(kind: str, flag: int | None) -> Callable[[Row], bool]:
    """Return which rows of a table are of a kind, by the column that says whether a row is a company."""
    if flag is None:
        return lambda _row: True
    is_second = kind == "companies"

    def is_of(row: Row) -> bool:
        is_company = not row.fault and row.cells[flag].strip().casefold() in _YES
        return is_company is is_second

    return is_of


def _of_companies(table: Table, fields: Sequence[str], said: TableMapping) -> list[str]:
    """Return the fields of the columns in the rows of companies, where a user has named those of contacts."""
    known = frozenset(fields_of("companies"))
    contacts = meaning_of(table.headers, table.name, "contacts").fields
    found: list[str] = []
    for header, field, of_contact in zip(table.headers, fields, contacts, strict=True):
        is_said = said.columns.get(header, QUESTION) != QUESTION
        own = _OF_COMPANIES.get(field if is_said else of_contact, field)
        is_right = own.startswith(CUSTOM) or own in known
        found.append(own if is_right and own not in found else "")
    return found


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _kind_by_fields(said: TableMapping) -> str:
    """Return the kind of a table whose columns a user named without a kind: people."""
    return (
        "leads"
        if any(f in {"email", "last_name", "full_name"} for f in said.columns.values())
        else ""
    )


def _fields(table: Table, known: Sequence[str], said: TableMapping) -> list[str]:
    """Return the field of each column: as the user says, else as the header says."""
    taken = {field for field in said.columns.values() if field not in {SKIP, QUESTION}}
    found: list[str] = []
    for header, field in zip(table.headers, known or [""] * len(table.headers), strict=True):
        own = said.columns.get(header)
        if own is None or own == QUESTION:
            found.append(_custom(header, found) if field in taken or not field else field)
        else:
            found.append("" if own == SKIP else own)
    return found


def _custom(header: str, found: Sequence[str]) -> str:
    """Return the custom field of a column, by the column's name without what Sell writes before it."""
    name = CUSTOM + _CUSTOM_OF_SELL.sub("", header, count=1) if header.startswith("custom ") else ""
    return name if name and name not in found else f"{CUSTOM}{header}"


def _column(
    header: str, field: str, held: ColumnProfile, said: TableMapping, *, is_ignored: bool
) -> Column:
    is_custom = field.startswith(CUSTOM)
    if is_custom and header not in said.columns and (is_ignored or not held.filled_n):
        field = ""
    custom = said.types.get(header)
    type_ = custom.type if custom else type_of(field)
    if is_custom and not custom and held.filled_n and held.dates.is_mostly_dates:
        type_ = "date"
    order = said.dates.get(header) or said.dates.get("") or held.dates.order
    is_date = bool(field) and type_ in {"date", "datetime"}
    question = ""
    if is_date and order is DayOrder.UNKNOWN:
        question = _date_question(held)
    sign = said.decimal or held.numbers.sign if type_ == "number" else ""
    if field and said.columns.get(header) == QUESTION:
        question = question or "the mapping file has no answer"
    order = order if is_date else DayOrder.NONE
    return Column(header, field, type_, order, sign, held, question, custom)


_DATES = (
    "write `dates: day_first` or `dates: month_first` into the mapping file, which --propose writes; "
    "until then none of these dates is read"
)


def _date_question(held: ColumnProfile) -> str:
    shown = f"for example {held.samples[0]}" if held.samples else ""
    if held.dates.day_first or held.dates.month_first:
        return (
            f"{held.dates.day_first} dates have the day first, and {held.dates.month_first} the month ({shown}): "
            f"{_DATES}"
        )
    return f"the day or the month may come first ({shown}): {_DATES}"


def by_kind(plans: Sequence[TablePlan]) -> dict[str, list[TablePlan]]:
    """Return the plans by the kind of their tables, in the order of the call."""
    found: dict[str, list[TablePlan]] = {}
    for plan in plans:
        found.setdefault(plan.kind, []).append(plan)
    return found
