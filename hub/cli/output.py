"""How commands speak: one JSON document on stdout, or tables; errors in one line with a hint."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.errors import ConfigError, HubError

stdout = Console()
stderr = Console(stderr=True)

EXIT_FAILED = 1
EXIT_OPERATOR = 2
EXIT_QUARANTINE = 3
EXIT_INTERRUPTED = 130


def print_json(document: object) -> None:
    """Write exactly one JSON document to stdout."""
    sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table to stdout."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    stdout.print(table)


def print_mapping(title: str, values: Mapping[str, Any]) -> None:
    """Write names and values as a two-column table."""
    print_table(title, ("", ""), list(values.items()))


def print_error(error: HubError) -> None:
    """Say on stderr what happened and what to do next."""
    stderr.print(f"[red]error:[/red] {_escape(error.message)}", highlight=False, soft_wrap=True)
    if error.hint:
        stderr.print(f"  hint: {_escape(error.hint)}", highlight=False, soft_wrap=True)


def _escape(words: str) -> str:
    return words.replace("[", "\\[")


def exit_code(error: HubError) -> int:
    """Return 2 where the operator must act, else 1."""
    return EXIT_OPERATOR if isinstance(error, ConfigError) else EXIT_FAILED
