"""The rows of a table as records: an id, and the values by the hub's own field names.

In: the plan of a table. Out: `SourceRow`s. Not here: relations between tables (`relations`).

The id is the table's own column of ids. Without one it is a digest of the row's cells, and the number of
the row among equal ones. So the same file again gives the same ids.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from hub.connectors.files.column_files import CUSTOM
from hub.connectors.files.layouts import decimal, iso
from hub.connectors.files.plans import Column, TablePlan
from hub.connectors.files.vocabulary import squashed
from hub.model.records import JsonValue

Values = dict[str, JsonValue]
_OF_SEVERAL = ("company_id", "contact_id", "deal_id", "lead_id")
_STATUSES = ("unsubscribed", "nonsubscribed", "subscribed", "cleaned", "transactional", "archived")
_YES = frozenset(("true", "1", "yes", "oui", "vrai", "x"))
_WITH_EMAIL = re.compile(r"(?P<name>[^<>()@]*?)\s*[<(]?(?P<email>[^\s<>()@]+@[^\s<>()@]+)[>)]?")
"""`Zoé Roux (zoe@acme.example)`, as HubSpot exports a contact; or the address alone."""
_WIDE_GAP = re.compile(r" {2,}")
_ADDRESSES = {
    4: ("street", "city", "postal_code", "country"),
    5: ("street", "city", "state", "postal_code", "country"),
    6: ("street", "street_2", "city", "state", "postal_code", "country"),
}
"""The parts of an address in one cell of a Mailchimp export; two blanks stand between them."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a table.

    Args:
        id: unique among the rows of its kind in this call.
        line: its first line in the file.
        values: by field; `custom` has the columns that are no field. Of a row with a fault: its cells.
        fault: why the row cannot be read; "" if it can.
    """

    id: str
    line: int
    values: Values
    fault: str = ""


@dataclass(slots=True)
class Ids:
    """The ids that were given out for one kind."""

    lines: dict[int, tuple[str, int]] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)

    def first_place(self, id_: str, table: str, line: int) -> tuple[str, int] | None:
        """Return where an id stands already, None the first time."""
        key = int.from_bytes(blake2b(id_.encode(), digest_size=8).digest(), "big")
        found = self.lines.get(key)
        if found is None:
            self.lines[key] = (table, line)
        return found

    def of_cells(self, cells: Sequence[tuple[str, str]], table: str, line: int) -> str:
        """Return the id of a row without one."""
        body = json.dumps(sorted(cells)).encode("utf-8", "surrogatepass")
        id_ = f"row-{blake2b(body, digest_size=8).hexdigest()}"
        if self.first_place(id_, table, line) is None:
            return id_
        self.repeats[id_] = self.repeats.get(id_, 1) + 1
        return f"{id_}-{self.repeats[id_]}"


def source_rows(plan: TablePlan, ids: Ids) -> Iterator[SourceRow]:
    """Yield the rows of a table; a row with a fault too, under an id of its own."""
    name = plan.table.name
    readers = [
        (i, column.field, _reader(column, plan))
        for i, column in enumerate(plan.columns)
        if column.field and not column.field.startswith(CUSTOM)
    ]
    customs = [
        (i, column.field.removeprefix(CUSTOM), _custom_reader(column, plan))
        for i, column in enumerate(plan.columns)
        if column.field.startswith(CUSTOM)
    ]
    headers = plan.table.headers
    status = _mailchimp_status(plan)
    for row in plan.rows():
        if row.fault:
            said: Values = {"cells": [cell[:200] for cell in row.cells[:50]]}
            yield SourceRow(f"{name}:{row.line}", row.line, said, row.fault)
            continue
        cells = row.cells
        values: Values = {f: read(cell) for i, f, read in readers if (cell := cells[i].strip())}
        custom: Values = {f: read(cell) for i, f, read in customs if (cell := cells[i].strip())}
        if custom:
            values["custom"] = custom
        own = str(values.get("id", ""))
        if own:
            place = ids.first_place(own, name, row.line)
            if place is not None:
                where = f"line {place[1]}" if place[0] == name else f"{place[0]}, line {place[1]}"
                yield SourceRow(
                    f"{name}:{row.line}", row.line, values, f"the id {own} is already in {where}"
                )
                continue
        else:
            said_cells = [
                (h, c) for h, cell in zip(headers, cells, strict=True) if (c := cell.strip())
            ]
            values["id"] = own = ids.of_cells(said_cells, name, row.line)
        _complete(values, status)
        if plan.kind == "activities":
            _complete_activity(values, plan.row_type)
        yield SourceRow(own, row.line, values)


def text_of(values: Mapping[str, object], name: str) -> str:
    """Return a value as text without blanks around it; "" if there is none."""
    held = values.get(name)
    return held.strip() if isinstance(held, str) else ""


def is_deleted(values: Mapping[str, object]) -> bool:
    """Return whether a row says that its object was deleted: exports of Salesforce may hold such rows."""
    return text_of(values, "deleted").casefold() in _YES


def _custom_reader(column: Column, plan: TablePlan) -> Callable[[str], JsonValue]:
    """Return how a cell becomes a value of its custom field's type; one that is none stays a text."""
    read = _reader(column, plan)
    if column.custom is None:
        return read
    kind = column.custom.type
    if kind == "number":
        return lambda cell: _number(read(cell))
    if kind == "bool":
        return lambda cell: _BOOLS.get(cell.casefold(), cell)
    if kind == "multi_select_list":
        return lambda cell: [part for one in _PARTS.split(cell) if (part := one.strip())]
    return read


_PARTS = re.compile(r"[;|,]")
_BOOLS: dict[str, JsonValue] = {
    **dict.fromkeys(("true", "1", "yes", "oui", "vrai", "x"), True),
    **dict.fromkeys(("false", "0", "no", "non", "faux"), False),
}


def _number(cell: str) -> JsonValue:
    try:
        number = float(cell)
    except ValueError:
        return cell
    if not math.isfinite(number):
        return cell
    return int(number) if number.is_integer() else number


def _reader(column: Column, plan: TablePlan) -> Callable[[str], str]:
    if column.type in {"date", "datetime"}:
        zone = plan.zone if column.type == "datetime" else None
        return lambda cell: iso(cell, column.order, zone)
    if column.type == "number" and column.sign:
        return lambda cell: decimal(cell, column.sign)
    return lambda cell: cell


def _complete(values: Values, status: str) -> None:
    for name in _OF_SEVERAL:
        held = values.get(name)
        if isinstance(held, str) and ";" in held:
            _take_first(values, name.removesuffix("_id"), held.count(";"))
            values[name] = held.partition(";")[0].strip()
            values[f"{name}s"] = held
    _split_contact(values)
    tags = values.get("tags")
    if isinstance(tags, str) and tags.startswith('"'):  # a list inside a cell: "Blog","New, here"
        values["tags"] = [*next(csv.reader([tags], skipinitialspace=True), [])]
    if "mailchimp_id" not in values:
        return
    if status:
        values["mailchimp_status"] = status
    parts = _WIDE_GAP.split(str(values.get("street", "")))
    if len(parts) in _ADDRESSES:
        values |= dict(zip(_ADDRESSES[len(parts)], parts, strict=True))


def _complete_activity(values: Values, row_type: str) -> None:
    """Say what a row of activities is where its own column does not say it."""
    said = text_of(values, "is_task").casefold()
    if said in _BOOLS:
        values.setdefault("type", "Task" if _BOOLS[said] else "Meeting")
    elif said:
        values.setdefault("subject", values["is_task"])
    if row_type:
        values.setdefault("type", row_type)


def _take_first(values: Values, name: str, separators_n: int) -> None:
    """Keep the first of several names in one cell, where the cell of ids has as many."""
    held = values.get(name)
    if isinstance(held, str) and held.count(";") == separators_n:
        values[name] = held.partition(";")[0].strip()


def _split_contact(values: Values) -> None:
    """Take the e-mail address out of the name of a contact that a deal or an activity names."""
    said = _WITH_EMAIL.fullmatch(text_of(values, "contact"))
    if said is None:
        return
    values.setdefault("contact_email", said["email"])
    if said["name"]:
        values["contact"] = said["name"]
    else:
        del values["contact"]


def _mailchimp_status(plan: TablePlan) -> str:
    """Return the status that the name of a Mailchimp export says: `unsubscribed_members_export_1.csv`."""
    name = squashed(plan.table.path.stem)
    return next((one for one in _STATUSES if name.startswith(one)), "")
