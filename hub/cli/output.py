"""How commands speak: one JSON document on stdout, or tables; errors in one line with a hint.

On a terminal, tables are as wide as it is (`hub.cli.tables`). Elsewhere each record is one line,
its cells separated by tabs, and lines that begin with `# ` are headings; `HUB_OUTPUT=table` draws
tables there too. `--wide` shows all columns. `NO_COLOR` leaves colours away.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TextIO

from hub.cli.empties import WORDS
from hub.cli.tables import (
    GLUE,
    Column,
    Kind,
    Money,
    cell,
    lines_for_people,
    lines_for_programs,
    wrapped,
)
from hub.errors import ActionError, ConfigError, HubError

__all__ = ["WHAT", "Column", "Kind", "Money"]
WHAT = Column("what", Kind.TEXT, keep=9)
"""What a task or an activity is about: a narrow terminal leaves out all other columns first."""
if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from hub.model.faults import Fault

EXIT_FAILED = 1
EXIT_OPERATOR = 2
EXIT_QUARANTINE = 3
EXIT_INTERRUPTED = 130
_COLOURS = {"bold": "1", "red": "31", "green": "32", "yellow": "33"}
_shown: dict[str, Any] = {"zone": UTC, "is_wide": False}
"""The output options of a command: the zone of moments, and whether all columns are shown."""


def show_in(zone: tzinfo) -> None:
    """Show moments in a zone from now on: that of the actor."""
    _shown["zone"] = zone


def show_wide(*, is_wide: bool = True) -> None:
    """Show all columns from now on, however narrow the terminal is."""
    _shown["is_wide"] = is_wide


def zone() -> tzinfo:
    """Return the zone in which moments are shown."""
    found: tzinfo = _shown["zone"]
    return found


def in_zone(at: datetime) -> str:
    """Return a moment as the actor reads it."""
    return cell(at, zone())


def in_named_zone(at: datetime) -> str:
    """Return a moment with the name of its zone, for a sentence that other people read too."""
    return f"{at.astimezone(zone()):%Y-%m-%d %H:%M %Z}"


class Stream:
    """Standard output or standard error, as it is at the moment."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def file(self) -> TextIO:
        """Return the file: tests and Python itself put others in its place."""
        found: TextIO = getattr(sys, self._name)
        return found

    @property
    def is_terminal(self) -> bool:
        """Return whether a person looks at it, or `HUB_OUTPUT=table` says so."""
        return self.file.isatty() or os.environ.get("HUB_OUTPUT") == "table"

    @property
    def encoding(self) -> str:
        """Return how letters are written."""
        return self.file.encoding or "utf-8"

    @property
    def width(self) -> int:
        """Return the columns of the terminal."""
        return shutil.get_terminal_size().columns

    def styled(self, words: str, style: str) -> str:
        """Return words in a style, on a terminal that has colours."""
        has_colours = self.file.isatty() and "NO_COLOR" not in os.environ
        code = _COLOURS.get(style)
        return f"\033[{code}m{words}\033[0m" if has_colours and code else words

    def print(
        self,
        words: object = "",
        *,
        style: str = "",
        indent: str = "",
        soft_wrap: bool = False,
        **_rich: object,
    ) -> None:
        """Write words and a line's end; on a terminal long lines break between words.

        Args:
            words: the text to write.
            style: bold, red, green or yellow.
            indent: before every line but the first, where lines break.
            soft_wrap: leave long lines as they are.
        """
        said = str(words)
        if self.is_terminal and not soft_wrap:
            lines = wrapped(said, max(20, self.width - len(indent)))
            said = f"\n{indent}".join(lines)
        self.write(self.styled(said, style))

    def write(self, words: str) -> None:
        """Write words and a line's end as they are."""
        self.file.write(f"{words}\n")
        self.file.flush()

    def out(self, words: object, **_rich: object) -> None:
        """Write words and a line's end, with no line broken."""
        self.write(str(words))


stdout = Stream("stdout")
stderr = Stream("stderr")


def print_json(document: "DataclassInstance | Sequence[DataclassInstance]") -> None:
    """Write exactly one JSON document to stdout: a model or models, in the form of `hub.views.encoding`."""
    print_document(document)


def print_document(document: object) -> None:
    """Write one JSON document to stdout that has no model: rows of a query, settings, a file's records.

    Args:
        document: what `hub.views.encoding` has a form for. A value of a mapping that is an iterator is
            written as an array, one element after the other: they need not be in memory together.
    """
    if isinstance(document, Mapping):
        _write_members(document)
    else:
        sys.stdout.write(_in_json(document))
    sys.stdout.write("\n")
    sys.stdout.flush()


def _write_members(document: Mapping[str, object]) -> None:
    for n, (key, value) in enumerate(document.items()):
        sys.stdout.write(f"{', ' if n else '{'}{_in_json(str(key))}: ")
        if isinstance(value, Iterator):
            _write_array(value)
        else:
            sys.stdout.write(_in_json(value))
    sys.stdout.write("}" if document else "{}")


def _write_array(values: Iterator[object]) -> None:
    sys.stdout.write("[")
    for n, one in enumerate(values):
        sys.stdout.write(f"{', ' if n else ''}{_in_json(one)}")
    sys.stdout.write("]")


def _in_json(value: object) -> str:
    from hub.views.encoding import to_json

    said = to_json(value)
    words = json.dumps(said, ensure_ascii=False)
    try:
        words.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # half a character pair, or a terminal that knows few letters
        return json.dumps(said)
    return words


def print_table(
    title: str,
    columns: Sequence[str | Column],
    rows: Sequence[Sequence[Any]],
    *,
    empty: str | None = None,
) -> None:
    """Write a table to stdout; values are shown as they are, brackets included.

    Args:
        title: stands above it.
        columns: names, or columns with their kind and importance.
        rows: a value for each column; moments are shown in the zone of the actor.
        empty: the text in place of a table without rows; default: as `hub.cli.empties` says.
    """
    if not rows:
        said = empty or WORDS.get(title, "none")
        print_line(title if stdout.is_terminal else f"# {title}".rstrip(), said)
        return
    known = [one if isinstance(one, Column) else Column(one) for one in columns]
    if not stdout.is_terminal:
        stdout.write("\n".join(lines_for_programs(title, known, rows, zone())))
        return
    width = None if _shown["is_wide"] else stdout.width
    lines = lines_for_people(known, rows, width, zone())
    if title:
        stdout.print(title, style="bold")
    if any(one.name for one in known):
        stdout.write(stdout.styled(lines.pop(0), "bold"))
    stdout.write("\n".join([*lines, ""]))


def print_mapping(title: str, values: Mapping[str, Any]) -> None:
    """Write names and values as a two-column table."""
    columns = (Column("", Kind.ID), Column("", Kind.TEXT))
    print_table(title, columns, list(values.items()))


def print_line(title: str, words: str) -> None:
    """Write what needs no table: a heading, and words behind it."""
    said = f"{title}: {words}" if title else words
    if stdout.is_terminal:
        head, *rest = wrapped(said, stdout.width)
        if title and head.startswith(f"{title}:"):
            head = stdout.styled(f"{title}:", "bold") + head.removeprefix(f"{title}:")
        said = "\n".join([head, *rest])
    stdout.write(said)


def print_error(error: HubError) -> None:
    """Say on stderr what happened and what to do next."""
    _tell("error:", "red", error.message)
    if error.hint:
        _tell("  hint:", "", error.hint)


def _tell(head: str, style: str, words: str) -> None:
    if stderr.is_terminal:
        indent = head[: len(head) - len(head.lstrip())]
        lines = wrapped(f"{head.lstrip()} {_whole_commands(words)}", stderr.width - 4)
        said = indent + "\n    ".join(lines)
        stderr.write(stderr.styled(head, style) + said.removeprefix(head))
    else:
        stderr.write(f"{head} {words}")


def _whole_commands(words: str) -> str:
    """Return a hint whose command is not broken: `hub …` to the end or to the next mark."""
    begin = words.find("hub ")
    if begin < 0 or (begin and words[begin - 1].isalnum()):
        return words
    ends = [words.find(mark, begin) for mark in (", ", "; ", ": ", " shows", " says")]
    end = min([one for one in ends if one > 0], default=len(words))
    return words[:begin] + words[begin:end].replace(" ", GLUE) + words[end:]


def print_fault(fault: "Fault") -> None:
    """Say on stderr what of a source could not be read, and what to do next."""
    print_error(HubError(fault.told, hint=fault.hint or None))


def print_warning(message: str) -> None:
    """Say on stderr what did not fail and should be known."""
    _tell("warning:", "yellow", message)


def exit_code(error: HubError) -> int:
    """Return 2 where the operator must act, else 1."""
    return EXIT_OPERATOR if isinstance(error, (ActionError, ConfigError)) else EXIT_FAILED


def sync_code(faults: "Iterable[Fault]", *, holds: bool, quarantined: int) -> int:
    """Return the worst of what a sync met: 2 before 1 before 3 before 0."""
    from hub.model.faults import FaultKind

    kinds = {fault.kind for fault in faults}
    if FaultKind.OPERATOR in kinds:
        return EXIT_OPERATOR
    if kinds or not holds:
        return EXIT_FAILED
    return EXIT_QUARANTINE if quarantined else 0
