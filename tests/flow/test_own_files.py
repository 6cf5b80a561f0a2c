"""Files of whole exports: what the dry run says is what the run does, and undo restores every row."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hub.actions.batches import migrate
from hub.actions.batches.undo import undo_batch
from hub.clock import SystemClock
from hub.db.embedded import SUPERUSER, Server
from hub.db.place import Place, embedded_urls
from hub.settings import Settings
from hub.views.reconciliation import records as proved
from tests.acting import acting
from tests.flow.conftest import World
from tests.flow.test_files import files_hub
from tests.flow.test_undo import but_turns, crm

DATA = Path(__file__).parents[1] / "data/csv"
WHO = acting("operator")
AS_LEADS = """
files:
  csvkit_bad.csv: {kind: leads, columns: {column_a: last_name}}
  csvkit_blanks.csv: {kind: leads, columns: {a: last_name}}
  csvkit_optional_quote_characters.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_empty_columns.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_extra_header.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_header_newline.csv: {kind: leads, columns: {start end: last_name}}
  csvkit_test_latin1.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_no_leading_zeroes.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_utf16_big.csv: {kind: leads, columns: {a: last_name}}
  csvkit_test_utf8_bom.csv: {kind: leads, columns: {foo: last_name}}
  frictionless_delimiter.csv: {kind: leads, columns: {name: last_name}}
  frictionless_doublequote.csv: {kind: leads, columns: {NOMBREINCISO: last_name}}
  frictionless_issue-1009-semicolon.csv: {kind: leads, columns: {fieldNameA: last_name}}
  frictionless_table-infer-missing-values.csv: {kind: leads, columns: {age: skip}}
  frictionless_table-unicode-headers.csv: {kind: leads, columns: {国人: last_name}}
  frictionless_table-with-accents.csv: {kind: leads, columns: {Quartier: custom.Quartier}}
"""
"""The samples without a kind of their own, read as leads."""


@pytest.fixture
def place(world: World, server: Server, settings: Settings) -> Place:
    name = make_url(world.db.owner_url).database
    assert name is not None
    root = server.url(SUPERUSER, database=name)
    urls = embedded_urls(server, name)
    return Place(urls, root, settings.home, SystemClock(), is_embedded=True, backs_up=False)


def parties(world: World) -> dict[str, tuple[str | None, str | None]]:
    """Return the contact and the company of each deal, by name."""
    rows = world.rows(
        "SELECT d.name, coalesce(c.last_name, c.organization_name) AS contact, o.organization_name AS company "
        "FROM crm.deal d JOIN crm.contact c ON c.id = d.contact_id "
        "LEFT JOIN crm.contact o ON o.id = d.organization_id"
    )  # fmt: skip
    return {row.name: (row.contact, row.company) for row in rows}


def migrated(
    world: World,
    place: Place,
    paths: list[Path],
    mapping: str = "",
    check: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Try files, load the plan, load them again, and take all back; return the verdicts of the plan."""
    hub, files = files_hub(world, *paths, mapping=mapping)
    before = crm(world)
    tried = migrate.dry_run(hub, place, WHO, "csv")
    batch = tried.migration.batch.id
    assert crm(world) == before
    loaded = migrate.apply_plan(hub, place, WHO, batch)
    assert loaded.applied is not None
    assert loaded.applied.holds, loaded.applied.ledgers
    assert loaded.applied.differences == []
    with world.db.engine.begin() as conn:
        verdicts = Counter(f"{r.key[0]} {r.document()['verdict']}" for r in proved(conn, batch))
    for stream in files.objects():
        n = sum(n for name, n in verdicts.items() if name.startswith(f"{stream.name} "))
        assert n == files.count(stream, None, hub.clock.now()), stream.name
    check()
    again = migrate.run(files_hub(world, *paths, mapping=mapping)[0], WHO, "csv")
    assert again.applied is not None
    assert {v for e in again.applied.ledgers for v in e.verdicts} <= {"unchanged", "rejected", "excluded"}  # fmt: skip
    for number in (again.migration.batch.id, batch):
        undo_batch(world.db.engine, WHO, number)
    assert but_turns(crm(world)) == but_turns(before)
    return verdicts


def test_every_file_of_whole_exports_is_loaded_as_tried_and_taken_back(
    world: World, place: Place
) -> None:
    def check() -> None:
        of = parties(world)
        assert of["Lens line"] == ("van der Meer", "Lumen Optics"), "a contact of a table of leads"
        assert of["Catalogue 2025"] == ("Atelier Mercier", "Atelier Mercier"), "a company"
        assert of["Tralee renewal"] == ("Tralee Foods", "Tralee Foods")
        assert of["Leasing camions 2026"] == ("Lefèvre", "Société Générale d'Exemples")

    verdicts = migrated(world, place, sorted(DATA.glob("*/*.csv")), check=check)
    assert dict(verdicts) == {
        "activities created": 20, "activities rejected": 1, "companies created": 10, "companies excluded": 1,
        "contacts created": 8, "deals created": 9, "deals rejected": 1, "leads created": 27, "leads merged": 1,
        "leads rejected": 5, "owners created": 6,
    }  # fmt: skip


def test_every_given_file_is_loaded_as_tried_and_taken_back(world: World, place: Place) -> None:
    given = [path for path in sorted(DATA.glob("*.csv")) if path.name != "csvkit_empty.csv"]
    verdicts = migrated(world, place, given, AS_LEADS)
    assert dict(verdicts) == {
        "companies created": 10, "companies merged": 20, "leads created": 41, "leads merged": 26,
        "leads rejected": 649, "owners created": 1,
    }  # fmt: skip
