"""The mapping file that `--propose` writes: YAML to edit, with a sample and the fill rate of each column.

In: paths. Out: text. What is not clear is a question: its value is `?`. The file is read again by
`column_files`. A table whose kind is not known gets one too, with the kind as a question.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.connectors.files.column_files import CUSTOM, QUESTION, SKIP
from hub.connectors.files.layouts import DayOrder
from hub.connectors.files.plans import Column, TablePlan, plan_table
from hub.connectors.files.tables import Table, tables_of
from hub.connectors.files.vocabulary import KINDS, fields_of, meaning_of

_HEAD = """\
# Which field each column is. Correct it, and give it to the hub: hub migrate FILE --mapping THIS_FILE
#
#   a field:       first_name, email, company, … (listed below each kind)
#   custom.NAME:   a custom field NAME; {to: custom.NAME, type: number} defines it, so that lists know it
#                  types: string, text, number, date, datetime, bool, list, multi_select_list (with choices)
#   skip:          the column is not read
#   ?:             a question; until it is answered, the column is kept as a custom field as it is written
"""
_WIDTH = 110
_MOST_CHOICES, _FILLED_PER_CHOICE = 12, 4


def propose(paths: Sequence[Path]) -> str:
    """Return a mapping file for the tables of these files.

    Raises:
        ConfigError: a file cannot be read.
    """
    tables = [table for path in paths for table in tables_of(path)]
    lines = [_HEAD, "files:"]
    for table in tables:
        lines += _table(table)
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    meaning = meaning_of(table.headers, table.name)
    plan = plan_table(table, assumed=meaning.kind or KINDS[0])
    yield ""
    for note in plan.notes:
        yield f"  # {note}"
    yield f"  {_quoted(table.name)}:  # {plan.held.rows_n:,} rows"
    if not meaning.kind:
        yield f"    # What are the rows? One of: {', '.join(KINDS)}"
        yield f"    kind: {_quoted(QUESTION)}"
    else:
        also = f"  # or: {', '.join(meaning.also)}" if meaning.also else ""
        yield f"    kind: {plan.kind}{also}"
    yield from _wrapped("    # fields: ", ", ".join(fields_of(plan.kind)))
    yield from _layouts(plan)
    yield "    columns:"
    for column in plan.columns:
        yield from _column(
            column, plan.held.rows_n - plan.held.faults_n, is_known=bool(meaning.kind)
        )


def _layouts(plan: TablePlan) -> Iterator[str]:
    if plan.table.encoding and plan.table.encoding != "utf-8-sig":
        yield f"    encoding: {plan.table.encoding}"
    orders = {column.order for column in plan.columns} - {DayOrder.NONE}
    if DayOrder.UNKNOWN in orders:
        known = sorted(orders - {DayOrder.UNKNOWN})
        hint = f" Other columns of the file have {known[0]}." if len(known) == 1 else ""
        yield f"    # Dates such as 01/02/2025 can be read in two ways: day_first or month_first.{hint}"
        yield f"    dates: {_quoted(QUESTION)}"
    elif len(orders) == 1:
        yield f"    dates: {orders.pop().value}"
    yield "    # time_zone: Europe/Paris  # of times without an offset; without it they are UTC"


def _column(column: Column, rows_n: int, *, is_known: bool) -> Iterator[str]:
    share = 100 * column.held.filled_n / rows_n if rows_n else 0.0
    samples = ", ".join(json.dumps(one, ensure_ascii=False) for one in column.held.samples)
    filled = f"{share:.0f} % filled"
    yield f"      # {filled}; for example {samples}" if samples else f"      # {filled}"
    if column.question:
        yield f"      # question: {column.question}"
    to = column.field or SKIP
    if to.startswith(CUSTOM):
        to = QUESTION if not is_known or column.question or _is_second(column) else to
    type_ = _type_of(column) if to.startswith(CUSTOM) else ""
    said = f"{{to: {_quoted(to)}, {type_}}}" if type_ else _quoted(to)
    yield f"      {_quoted(column.header)}: {said}"


def _type_of(column: Column) -> str:
    """Return the type to propose for a custom field, as YAML; "" for a column without values."""
    held = column.held
    if not held.filled_n:
        return ""
    if column.type == "date":
        return "type: date"
    values = list(held.values or {})
    if held.values is not None and all(_is_number(one) for one in values):
        return "type: number"
    if 1 < len(values) <= _MOST_CHOICES and held.filled_n >= _FILLED_PER_CHOICE * len(values):
        return f"type: list, choices: {json.dumps(sorted(values), ensure_ascii=False)}"
    return "type: string"


def _is_number(cell: str) -> bool:
    """Tell whether a cell is a number; one that begins with a zero may be a code."""
    plain = cell.replace(",", ".").lstrip("-")
    whole, _, part = plain.partition(".")
    is_code = len(whole) > 1 and whole.startswith("0")
    return whole.isdecimal() and (not part or part.isdecimal()) and not is_code


def _is_second(column: Column) -> bool:
    """Return whether the column has the name of another: `Email (2)`."""
    return column.header.endswith(")") and column.header[:-1].rpartition("(")[2].isdigit()


def _quoted(text: str) -> str:
    plain = text.replace("_", "").replace(".", "").replace(" ", "")
    if (
        plain.isascii()
        and plain.isalpha()
        and text.lower() not in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    ):
        return text
    return json.dumps(text, ensure_ascii=False)


def _wrapped(start: str, text: str) -> Iterator[str]:
    line = start
    for word in text.split(" "):
        if len(line) + len(word) > _WIDTH:
            yield line.rstrip()
            line = "    #   "
        line += word + " "
    yield line.rstrip()
