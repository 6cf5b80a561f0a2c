"""A command that needs no database does not wait for one to be imported."""

import subprocess
import sys

import pytest

HEAVY = {"sqlalchemy", "psycopg", "numpy", "dagster", "structlog", "pydantic", "rich"}


def read_by(code: str) -> set[str]:
    """The heavy libraries that an interpreter has read after some code."""
    ask = f"import sys; sys.stderr = sys.stdout; {code}; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("import hub.cli.app", set()),
        ("import hub.cli.groups, hub.cli.mistakes", set()),
        ("from hub.cli.groups import load; print(load('lead'))", {"rich"}),
        ("from hub.cli.groups import load; print(load('sync'))", {"rich"}),
    ],
)
def test_the_command_line_is_read_without_the_heavy_libraries(code: str, most: set[str]) -> None:
    assert read_by(code) <= most


NEVER = {
    "dagster", "polars", "numpy", "requests", "structlog", "rich", "tenacity", "bs4", "pycountry",
    "babel", "phonenumbers", "email_validator",
    "hub.assets", "hub.connectors", "hub.mappings.compiler", "hub.mappings.document",
    "hub.mappings.engine", "hub.matching.bulk",
}  # fmt: skip
"""Of no use to an action or a view: a library, a vendor, or the mapping of records."""
STAGES = {
    "hub.etl.load", "hub.etl.match", "hub.etl.normalize", "hub.golden", "hub.matching", "hub.routing",
    "hub.sinks", "rapidfuzz", "yaml",
}  # fmt: skip
"""Of no use where nothing is folded or matched."""
UNNEEDED = {
    "hub.actions.people.add_person": NEVER | {"rapidfuzz"},
    "hub.actions.people.edit": NEVER | {"rapidfuzz"},
    "hub.actions.companies.company": NEVER,
    "hub.actions.leads.convert": NEVER,
    "hub.actions.leads.status": NEVER | STAGES,
    "hub.actions.activities.task": NEVER | STAGES,
    "hub.actions.setup.smart_list": NEVER | STAGES,
    "hub.actions.reading": NEVER | STAGES | {"hub.views.cards"},
    "hub.actions.identity.explain": NEVER | {"hub.erase", "hub.etl.load", "hub.etl.match"},
    "hub.views.cards": NEVER,
    "hub.views.finding": NEVER | {"hub.etl.load", "hub.etl.match"},
    "hub.views.status": (NEVER | STAGES | {"hub.mappings.loader"}) - {"yaml", "hub.matching"},
    "hub.cli.session": NEVER | (STAGES - {"yaml"}),
}  # fmt: skip
"""Modules that a module must not import, directly or by way of others."""
LIGHT = ("hub.actions.activities.task", "hub.actions.setup.smart_list")
ALL_NEED = ("sqlalchemy.dialects.postgresql", "psycopg", "pydantic", "hub.db.metadata", *LIGHT)
"""Imported once, and not by each module's process, in which they count as read.

`LIGHT` may import nothing that any module must not import, so that they hide nothing.
"""
_IMPORTING = """
import importlib, os, sys
for name in sys.argv.pop(1).split():
    importlib.import_module(name)
for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(name)
        os.write(1, f"{name} {' '.join(sys.modules)}\\n".encode())
        os._exit(0)
    os.wait()
"""


def test_a_module_reads_only_what_it_needs() -> None:
    assert not (NEVER | STAGES) & set(ALL_NEED)
    words = [sys.executable, "-c", _IMPORTING, " ".join(ALL_NEED), *UNNEEDED]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    read = {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}
    assert read.keys() == UNNEEDED.keys()
    assert {name: found for name in UNNEEDED if (found := UNNEEDED[name] & read[name])} == {}
