"""Tables: what fits a terminal, what is left out, what never breaks; one record a line elsewhere."""

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from hub.cli import output
from hub.cli.tables import (
    Column,
    Kind,
    Money,
    cell,
    lines_for_people,
    lines_for_programs,
    money,
    wide,
    wrapped,
)

ID = "typeform/responses/demo:v73rvzno1c732y04bxk4nw4le96f5mfu"
AT = datetime(2026, 12, 1, 8, 0, 30, tzinfo=UTC)
COLUMNS = (
    Column("record", Kind.ID),
    Column("at", keep=1),
    Column("value", Kind.MONEY, keep=9),
    Column("what", Kind.TEXT, keep=8),
)
ROWS = [
    (
        ID,
        AT,
        Money(Decimal("1234.5"), "EUR"),
        "a text of many words that is to be broken somewhere",
    ),
    ("lead/12", None, None, "日本語の長い文章 and more"),
]


@pytest.mark.parametrize("width", range(60, 140, 7))
def test_no_line_is_wider_than_the_terminal_and_no_id_is_broken(width: int) -> None:
    lines = lines_for_people(COLUMNS, ROWS, width)
    assert max(map(wide, lines)) <= width, "\n".join(lines)
    assert any(line.startswith(ID) for line in lines)


def test_the_least_important_column_goes_first_and_is_named() -> None:
    lines = lines_for_people(COLUMNS, ROWS, 95)
    assert lines[-1] == "not shown: at; --wide shows all columns"
    assert "1,234.50 EUR" in lines[2]
    narrow = lines_for_people(COLUMNS, ROWS, 62)
    assert narrow[-1] == "not shown: at, value, what; --wide shows all columns"
    everything = lines_for_people(COLUMNS, ROWS, None)
    assert "not shown" not in str(everything)
    assert "2026-12-01 08:00" in everything[2]


def test_a_column_takes_its_kind_from_its_cells() -> None:
    columns = [Column(name) for name in ("n", "id", "at", "text")]
    rows = [(n, f"lead/{n}", AT, "some words here") for n in (1, 100)]
    lines = lines_for_people(columns, rows, 80)
    assert lines[2].startswith("  1  lead/1 ")
    assert lines[3].startswith("100  lead/100")


def test_for_programs_a_record_is_a_line_with_all_its_columns() -> None:
    rows = [("lead/1", "two\nlines\tand [brackets]", None), ("lead/2", "x" * 300, 5)]
    lines = lines_for_programs("Leads", [Column(n) for n in ("lead", "text", "n")], rows)
    assert lines[:2] == ["# Leads", "# lead\ttext\tn"]
    assert lines[2:] == ["lead/1\ttwo lines and [brackets]\t", f"lead/2\t{'x' * 300}\t5"]


def test_cells_and_money_have_one_format() -> None:
    there = timezone(timedelta(hours=2))
    assert cell(AT, there) == "2026-12-01 10:00"
    assert [cell(one) for one in (None, True, ["a", 1])] == ["", "yes", "a, 1"]
    assert [money(n, "EUR") for n in (0, "1234567.891", -3)] == [
        "0.00 EUR", "1,234,567.89 EUR", "-3.00 EUR",
    ]  # fmt: skip
    assert (money(None, "EUR"), money(5)) == ("", "5.00")


def test_what_stands_in_backquotes_is_not_broken() -> None:
    assert wrapped("none yet; `hub note add lead/12 WORDS` writes a note", 30) == [
        "none yet;", "`hub note add lead/12 WORDS`", "writes a note",
    ]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    return made


def test_an_empty_list_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    output.print_table("Tasks", ("task",), [])
    assert terminal.getvalue() == ("Tasks: none; `hub task add WHAT --on lead/12` adds a task\n")


def test_the_command_of_a_hint_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    hint = "first hub lead status lead/12 Unqualified --reason Budget, then look again"
    output.print_error(output.HubError("it is so, and is told at some length here too", hint=hint))
    lines = terminal.getvalue().splitlines()
    assert "    hub lead status lead/12 Unqualified --reason Budget," in lines
    assert lines[0] == "error: it is so, and is told at some length here too"


def lines_of(said: str) -> Sequence[str]:
    return said.splitlines()


def test_wide_and_the_zone_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    output.show_in(timezone(timedelta(hours=-5)))
    output.show_wide()
    output.print_table("T", COLUMNS, ROWS)
    output.show_in(UTC)
    output.show_wide(is_wide=False)
    said = terminal.getvalue()
    assert "2026-12-01 03:00" in said
    assert max(map(wide, lines_of(said))) > 60
