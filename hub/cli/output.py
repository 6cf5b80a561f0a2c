"""How commands speak: one JSON document on stdout, or tables; errors in one line with a hint."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from hub.errors import ActionError, ConfigError, HubError
from hub.model.faults import Fault, FaultKind

stdout = Console()
stderr = Console(stderr=True)

EXIT_FAILED = 1
EXIT_OPERATOR = 2
EXIT_QUARANTINE = 3
EXIT_INTERRUPTED = 130


def print_json(document: object) -> None:
    """Write exactly one JSON document to stdout, whatever its values and stdout's encoding."""
    held = _held(document)
    words = json.dumps(held, default=_plain, ensure_ascii=False)
    try:
        words.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # half a character pair, or a terminal that knows few letters
        words = json.dumps(held, default=_plain)
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _held(value: object) -> object:
    """Return the value as JSON can say it: not a number and infinity are text there."""
    if isinstance(value, Mapping):
        return {key: _held(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_held(item) for item in value]
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(Decimal(value))
    return value


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table to stdout; values are shown as they are, brackets included.

    Columns of numbers stand to the right. Words stay whole: what goes into a file or a pipe is as
    wide as it needs to be, and a terminal that is too narrow breaks lines between words.
    """
    if not rows:
        print_line(title, "none")
        return
    table = Table(
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        show_header=any(columns),
    )
    for place, column in enumerate(columns):
        is_number = all(_is_number(row[place]) for row in rows)
        justify: JustifyMethod = "right" if is_number else "left"
        table.add_column(Text(column), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_words(cell)) for cell in row))
    if not stdout.is_terminal:
        stdout.width = max(stdout.width, _natural_width(table))
    if title:
        stdout.print(Text(title, "bold"), soft_wrap=True)
    stdout.print(table)
    stdout.print()


def _words(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return "" if cell is None else str(cell)


def _natural_width(table: Table) -> int:
    return stdout.measure(table, options=stdout.options.update(max_width=10_000)).maximum


_NUMBER = re.compile(r"-?[\d,.]*")


def _is_number(cell: object) -> bool:
    return cell is None or bool(_NUMBER.fullmatch(str(cell)))


def print_mapping(title: str, values: Mapping[str, Any]) -> None:
    """Write names and values as a two-column table."""
    print_table(title, ("", ""), list(values.items()))


def print_line(title: str, words: str) -> None:
    """Write what needs no table: a heading, and words behind it."""
    stdout.print(Text.assemble((f"{title}: " if title else "", "bold"), words), soft_wrap=True)


def print_error(error: HubError) -> None:
    """Say on stderr what happened and what to do next."""
    stderr.print(Text.assemble(("error:", "red"), f" {error.message}"), soft_wrap=True)
    if error.hint:
        stderr.print(Text(f"  hint: {error.hint}"), soft_wrap=True)


def print_fault(fault: Fault) -> None:
    """Say on stderr what of a source could not be read, and what to do next."""
    print_error(HubError(fault.told, hint=fault.hint or None))


def print_warning(message: str) -> None:
    """Say on stderr what did not fail and should be known."""
    stderr.print(Text.assemble(("warning:", "yellow"), f" {message}"), soft_wrap=True)


def exit_code(error: HubError) -> int:
    """Return 2 where the operator must act, else 1."""
    return EXIT_OPERATOR if isinstance(error, (ActionError, ConfigError)) else EXIT_FAILED


def sync_code(faults: Iterable[Fault], *, holds: bool, quarantined: int) -> int:
    """Return the worst of what a sync met: 2 before 1 before 3 before 0."""
    kinds = {fault.kind for fault in faults}
    if FaultKind.OPERATOR in kinds:
        return EXIT_OPERATOR
    if kinds or not holds:
        return EXIT_FAILED
    return EXIT_QUARANTINE if quarantined else 0
