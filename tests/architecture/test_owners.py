"""One owner a table: each table is written by one module, and no room reads the tables above it.

`docs/owners.yaml` names the owners, and what is excepted for which reason.
"""

import importlib
from functools import cache
from typing import Any

import pytest
import yaml

from hub.db.metadata import metadata
from tests.architecture.statements import DYNAMIC, ROOT, Tables, modules, name_of, tables_of

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "owners.yaml").read_text())
OWNER: dict[str, str] = {t: owner for owner, own in DECLARED["owners"].items() for t in own}
ROOMS: list[str] = DECLARED["rooms"]
SCHEMA_OF_A_ROOM = {"landing": "landing", "crm": "crm"}


@cache
def found() -> dict[str, Tables]:
    """The tables of each module."""
    for path in modules():
        if path.stem.endswith("tables"):
            importlib.import_module(name_of(path))
    importlib.import_module("hub.db.outbox")
    return {name_of(path): tables_of(path) for path in modules()}


def test_every_table_has_one_owner() -> None:
    found()
    assert sorted(OWNER) == sorted(f"{t.schema}.{t.name}" for t in metadata.tables.values())
    assert sum(len(own) for own in DECLARED["owners"].values()) == len(OWNER)


def excused(kind: str, module: str) -> set[str]:
    entry = DECLARED[kind].get(module, [])
    return set(entry["writes"] if isinstance(entry, dict) else entry)


def misplaced() -> dict[str, set[str]]:
    """Writes that are neither with their owner nor listed with a reason."""
    wrong: dict[str, set[str]] = {}
    for module, tables in found().items():
        fixed = {t for t in tables.writes if DYNAMIC not in t}
        stray = {t for t in fixed if OWNER.get(t) != module}
        stray -= excused("beside", module) | excused("dynamic", module)
        if any(DYNAMIC in t for t in tables.writes) and module not in DECLARED["dynamic"]:
            stray.add(DYNAMIC)
        if stray:
            wrong[module] = stray
    return wrong


def test_each_table_is_written_by_its_owner() -> None:
    """A new stray write goes to the owner; a mended one comes off the list of offenders."""
    known = {module: set(tables) for module, tables in DECLARED["offenders"].items()}
    stray = misplaced()
    new = {
        module: {table: f"belongs to {OWNER.get(table)}" for table in sorted(others)}
        for module, tables in stray.items()
        if (others := tables - known.get(module, set()))
    }
    mended = {m: left for m, tables in known.items() if (left := tables - stray.get(m, set()))}
    assert not new
    assert not mended, "take these off `offenders` in docs/owners.yaml"


def test_owners_and_exceptions_write_what_they_say() -> None:
    for module, tables in found().items():
        dynamic = excused("dynamic", module)
        unused = excused("beside", module) - tables.writes
        assert not unused, f"{module} no longer writes {unused}: take it off docs/owners.yaml"
        assert not dynamic or any(DYNAMIC in t for t in tables.writes), module
    known = found().keys()
    assert {*DECLARED["beside"], *DECLARED["dynamic"]} <= known


def test_a_statement_over_tables_of_several_owners_is_listed() -> None:
    for module, tables in found().items():
        listed = excused("beside", module) | set(DECLARED["offenders"].get(module, ()))
        for together in tables.together:
            others = {t for t in together if OWNER[t] != module}
            assert others <= listed | excused("dynamic", module), (module, together)


def room_of(table: str) -> str:
    return OWNER[table].split(".")[1]


def test_a_room_reads_no_table_of_a_room_above_it() -> None:
    wrong: dict[str, set[str]] = {}
    for module, tables in found().items():
        room = module.split(".")[1] if "." in module else ""
        if room in ROOMS:
            lower = set(ROOMS[: ROOMS.index(room) + 1])
            beside = excused("beside", module)
            up = {t for t in tables.reads | tables.writes if room_of_known(t) not in lower}
            if up - beside:
                wrong[module] = up - beside
    assert wrong == {module: set(t) for module, t in DECLARED["reading_up"].items()}


def room_of_known(table: str) -> str:
    return room_of(table) if table in OWNER else ROOMS[0]


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("SELECT 1 FROM crm.lead l JOIN ops.entity e ON true", {"crm.lead", "ops.entity"}, set()),
        ("WITH a AS (DELETE FROM ops.pending) SELECT 1 FROM a", set(), {"ops.pending"}),
        ("INSERT INTO crm.lead AS l (id) SELECT id FROM ops.edge", {"ops.edge"}, {"crm.lead"}),
        ('UPDATE crm."user" SET id = 1', set(), {"crm.user"}),
        ("INSERT INTO x (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 2", set(), set()),
        ("UPDATE crm.lead l SET a = c.b FROM crm.contact c", {"crm.contact"}, {"crm.lead"}),
        ("SELECT 1 FROM crm.lead FOR UPDATE", {"crm.lead"}, set()),
        ("COPY crm.lead (id) FROM STDIN", set(), {"crm.lead"}),
        ("-- UPDATE crm.lead\nSELECT 1", set(), set()),
    ],
)
def test_statements_are_read_as_they_are(
    sql: str, reads: set[str], writes: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    found()
    module = tmp_path_factory.mktemp("hub") / "module.py"
    module.write_text(f"STATEMENT = {sql!r}\n")
    tables = tables_of(module, "hub.errors")
    assert (tables.reads, tables.writes) == (reads, writes)


@pytest.mark.parametrize(
    "source", ["S = f'UPDATE {t} SET a = 1'", "S = 'DELETE FROM ' + t", "S = f'UPDATE crm.{t} SET'"]
)
def test_a_table_that_is_known_at_run_time_only_is_seen(
    source: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    module = tmp_path_factory.mktemp("hub") / "module.py"
    module.write_text(f"t = 'x'\n{source}\n")
    assert any(DYNAMIC in t for t in tables_of(module, "hub.errors").writes)
