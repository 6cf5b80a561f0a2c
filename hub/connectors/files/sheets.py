"""The rows of an Excel workbook (.xlsx), as text.

In: a path. Out: the visible sheets, and `Row`s of text cells. Not here: headers and what a column means.

A workbook is a zip archive of XML. An archive that would unpack to more than the limits below is refused
before any part of it is unpacked. `openpyxl` reads XML through `defusedxml`: it refuses a document type
with entities, so no part of a workbook can name another file.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl import DEFUSEDXML
from openpyxl.utils.exceptions import InvalidFileException

from hub.connectors.files.text_rows import LARGEST_CELL, Row
from hub.errors import ConfigError

MOST_BYTES = 2 << 30
"""Bytes that all parts of a workbook may have after unpacking."""
MOST_SHARED_BYTES = 256 << 20
"""Bytes of the shared texts and styles, which are held in memory."""
MOST_PARTS = 10_000
MOST_RATIO = 300
"""How many times larger than packed a large part may be; real sheets reach about 30."""
_LARGE = 10 << 20
_HELD = ("xl/sharedstrings.xml", "xl/styles.xml", "xl/workbook.xml", "[content_types].xml")
_ZEROS = re.compile(r"0{2,}")
_WHOLE = 10**15  # larger numbers have lost digits in Excel already
_MIDNIGHT = time()
_BROKEN = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, SyntaxError, OSError, EOFError,
)  # fmt: skip


def check(path: Path) -> None:
    """Refuse a workbook that is broken, encrypted, or larger than the limits.

    Raises:
        ConfigError: it is refused; the message says the limit.
    """
    if not DEFUSEDXML:
        raise ConfigError(
            "OPENPYXL_DEFUSEDXML is switched off, so an Excel file could name other files",
            hint="remove the variable from the environment",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(path, archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as exc:
        raise ConfigError(
            f"{path.name} is not a readable Excel file: {exc}",
            hint="open it in Excel and save it as .xlsx",
        ) from exc


def _check_parts(path: Path, parts: Sequence[zipfile.ZipInfo]) -> None:
    names = {part.filename.lower() for part in parts}
    if "xl/workbook.xml" not in names:
        raise ConfigError(
            f"{path.name} is a zip archive, and not an Excel file",
            hint="unpack it, and give its files",
        )
    if any(part.flag_bits & 1 for part in parts):
        raise ConfigError(f"{path.name} is encrypted", hint="save it without a password")
    unpacked = sum(part.file_size for part in parts)
    held = sum(part.file_size for part in parts if part.filename.lower() in _HELD)
    dense = [
        part for part in parts
        if part.file_size > _LARGE and part.file_size > MOST_RATIO * max(part.compress_size, 1)
    ]  # fmt: skip
    faults = [
        (len(parts) > MOST_PARTS, f"it has {len(parts):,} parts, and at most {MOST_PARTS:,} are read"),
        (unpacked > MOST_BYTES, f"it unpacks to {unpacked:,} bytes, and at most {MOST_BYTES:,} are read"),
        (held > MOST_SHARED_BYTES,
         f"its texts and styles unpack to {held:,} bytes, and at most {MOST_SHARED_BYTES:,} are read"),
        (bool(dense), f"a part of it unpacks to more than {MOST_RATIO} times its size"),
    ]  # fmt: skip
    for is_fault, what in faults:
        if is_fault:
            raise ConfigError(
                f"{path.name} was not unpacked: {what}", hint="save the sheet as CSV in UTF-8"
            )


def sheet_names(path: Path) -> list[str]:
    """Return the names of the visible sheets."""
    with _opened(path) as book:
        return [s.title for s in book.worksheets if s.sheet_state == "visible"]


def rows(path: Path, sheet: str) -> Iterator[Row]:
    """Yield the rows of a sheet; trailing blank cells are left out."""
    with _opened(path) as book:
        cells_of = book[sheet]
        cells_of.reset_dimensions()  # many writers state a wrong size
        for number, cells in enumerate(cells_of.iter_rows(), 1):
            said = [_text(cell) for cell in cells]
            while said and not said[-1]:
                said.pop()
            is_long = any(len(one) > LARGEST_CELL for one in said)
            yield Row(
                number, said, f"a cell has more than {LARGEST_CELL:,} characters" if is_long else ""
            )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                yield book
            finally:
                book.close()
    except DefusedXmlException as exc:
        raise _declares_entities(path) from exc
    except _BROKEN as exc:
        if isinstance(
            exc.__cause__, DefusedXmlException
        ):  # openpyxl wraps what it finds at the start
            raise _declares_entities(path) from exc
        raise ConfigError(
            f"{path.name} is not a readable Excel file: {_first_line(exc)}",
            hint="open it in Excel and save it as .xlsx",
        ) from exc


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).splitlines()), type(exc).__name__)


def _declares_entities(path: Path) -> ConfigError:
    return ConfigError(
        f"{path.name} was refused: its XML declares entities, which could name other files",
        hint="open it in Excel and save it again",
    )


def _text(cell: Any) -> str:
    """Return a cell as text: numbers without an exponent, dates as ISO text, leading zeros kept."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return "" if cell.data_type == "e" else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    return _moment(value)


def _number(value: float, layout: str | None) -> str:
    if abs(value) >= _WHOLE or not float(value).is_integer():
        return repr(value)
    is_padded = layout is not None and _ZEROS.fullmatch(layout)
    return str(int(value)).zfill(len(layout or "") if is_padded else 0)


def _moment(value: datetime | date | time | timedelta) -> str:
    if isinstance(value, datetime):
        if value.time() == _MIDNIGHT:
            return value.date().isoformat()
        return value.replace(microsecond=0).isoformat(sep=" ")
    return str(value)
