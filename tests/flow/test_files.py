"""CSV and Excel files as a source, through the ordinary stages: landed, mapped, matched, loaded, proven."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from hub.actions.batches import migrate
from hub.actions.batches.undo import undo_batch
from hub.clock import SystemClock
from hub.connectors.files.column_files import parse_columns
from hub.connectors.files.streams import FilesConnector, Mode
from hub.db.embedded import SUPERUSER, Server
from hub.db.place import Place, embedded_urls
from hub.errors import ActionError
from hub.etl import flow
from hub.etl.context import Hub
from hub.migration import files as migrated_files
from hub.migration.duplicates import StreamDuplicates
from hub.settings import Settings
from hub.views.reconciliation import records as proved
from tests.acting import acting
from tests.flow.conftest import World, hubspot_contact
from tests.flow.test_undo import but_turns, crm

DATA = Path(__file__).parents[1] / "data/csv"


def files_hub(world: World, *paths: Path, mapping: str = "") -> tuple[Hub, FilesConnector]:
    """Return a hub whose source `csv` are these files."""
    columns = parse_columns(mapping, "m.yaml") if mapping else None
    files = FilesConnector(paths, SystemClock(), columns)
    return dataclasses.replace(world.hub, connector=lambda _source: files), files


def load(world: World, *paths: Path, mapping: str = "") -> flow.SyncReport:
    hub, _ = files_hub(world, *paths, mapping=mapping)
    return flow.sync(hub, ["csv"])


def verdicts(world: World, stream: str) -> dict[str, int]:
    rows = world.rows(
        "SELECT verdict, count(*) AS n FROM ops.verdict WHERE source = 'csv' AND stream = :s "
        "AND batch_id = (SELECT max(id) FROM ops.batch WHERE source = 'csv') GROUP BY 1", s=stream)  # fmt: skip
    return {row.verdict: row.n for row in rows}


def leads(world: World) -> list[Any]:
    return world.rows("SELECT * FROM crm.lead ORDER BY id")


def test_exports_of_vendors_become_leads_with_owners_dates_and_consent(world: World) -> None:
    owner = world.rows('SELECT id, name FROM crm."user" WHERE is_active ORDER BY id')[0]
    with world.db.engine.begin() as conn:
        conn.execute(
            text("""UPDATE crm."user" SET name = 'Agent Un' WHERE id = :i"""), {"i": owner.id}
        )
    path = DATA / "constructed_salesforce_leads_fr_cp1252_semicolon.csv"
    report = load(world, path)
    assert report.holds, report.ledgers
    found = {(row.email or "").lower(): row for row in leads(world)}
    first = found["elodie.lefevre@example.fr"]
    assert (first.first_name, first.last_name, first.status) == ("Élodie", "Lefèvre", "New")
    assert first.owner_id == owner.id
    assert first.created_at.date().isoformat() == "2024-12-31"
    assert found["jb.darc@example.com"].created_at.date().isoformat() == "2025-02-01"
    refused = world.rows(
        "SELECT value FROM landing.quarantine WHERE field = 'created_at' AND source = 'csv'"
    )
    assert {row.value for row in refused} >= {"31/02/2025", "45678", "12/13/2024"}
    assert sum(verdicts(world, "leads").values()) == 15

    again = load(world, path)
    assert again.holds
    assert set(verdicts(world, "leads")) <= {"unchanged"}


def test_several_files_are_one_batch_with_relations(world: World, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(
        "Account ID,Account Name,Parent Account,Billing City\nA1,Acme,,Paris\nA2,Acme Nord,Acme,Lille\n"
    )
    (tmp_path / "contacts.csv").write_text(
        "Contact ID,First Name,Last Name,Account Name,Email,Mailing Zip/Postal Code\n"
        "C1,Zoé,Roux,Acme Nord,zoe@acme.example,01000\nC2,Ida,Berg,Other,ida@other.example,\n"
    )
    report = load(world, tmp_path / "contacts.csv", tmp_path / "accounts.csv")
    assert report.holds, report.ledgers
    rows = world.rows(
        "SELECT p.last_name, p.postal_code, o.organization_name AS company FROM crm.contact p "
        "LEFT JOIN crm.contact o ON o.id = p.company_id WHERE NOT p.is_organization ORDER BY 1"
    )  # fmt: skip
    assert [(r.last_name, r.postal_code, r.company) for r in rows] == [
        ("Berg", None, None), ("Roux", "01000", "Acme Nord"),
    ]  # fmt: skip
    batches = world.rows("SELECT count(*) AS n FROM ops.batch WHERE source = 'csv'")
    assert batches[0].n == 1


WHO = acting("operator")


@pytest.fixture
def place(world: World, server: Server, settings: Settings) -> Place:
    name = make_url(world.db.owner_url).database
    assert name is not None
    root = server.url(SUPERUSER, database=name)
    urls = embedded_urls(server, name)
    return Place(urls, root, settings.home, SystemClock(), is_embedded=True, backs_up=False)


def write(folder: Path) -> list[Path]:
    """A whole customer base in five files, with one bad row in each of three."""
    tables = {
        "accounts": "Account ID,Account Name,Parent Account,Billing City\nA1,Acme,,Paris\nA2,Acme Nord,Acme,Lille\nA3,Bad,row,is,long\n",
        "contacts": (
            "Contact ID,First Name,Last Name,Account Name,Email\nC1,Zoé,Roux,Acme Nord,zoe@acme.example\n"
            'C2,Ida,Berg,Other,ida@other.example\nC3,"Open,quote,x,y\n'
        ),
        "leads": (
            "Lead ID,First Name,Last Name,Company,Email,Lead Status,Lead Owner,Create Date\n"
            "L1,Lea,Moreau,Dorval,lea@moreau.example,Open - Not Contacted,Nobody Known,2024-02-03\n"
            "L2,Max,Petit,Estel,no address,Working - Contacted,,2024-02-04\n"
            "L1,Lea,Again,Dorval,other@moreau.example,Open - Not Contacted,,2024-02-05\n"
        ),
        "deals": (
            "Deal ID,Deal Name,Deal Stage,Amount,Close Date,Account Name,Contact Name,Created Date\n"
            "D1,One,Quote,1200.50 EUR,2030-01-31,Acme Nord,Zoé Roux,2024-05-01\n"
            "D2,Two,Closed Won,20 EUR,2024-06-30,Nova,,2024-05-02\n"
        ),
        "tasks": "Task ID,Subject,Due Date,Contact,Opportunity\nT1,Call back,2030-01-02,Zoé Roux,One\n",
    }  # fmt: skip
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content, "utf-8")
    return [folder / f"{name}.csv" for name in tables]


def test_files_are_migrated_as_their_dry_run_said_and_taken_back(
    world: World, place: Place, tmp_path: Path
) -> None:
    paths = write(tmp_path)
    hub, _ = files_hub(world, *paths)
    before = crm(world)

    tried = migrate.dry_run(hub, place, WHO, "csv")
    assert crm(world) == before
    batch = tried.migration.batch.id

    for path in paths:  # the plan is loaded from what was read
        path.unlink()
    loaded = migrate.apply_plan(migrated_files.without_files(world.hub), place, WHO, batch)
    assert loaded.applied is not None
    assert loaded.applied.holds, loaded.applied.ledgers
    assert loaded.applied.differences == []
    with world.db.engine.begin() as conn:
        became = {r.key: r.document()["verdict"] for r in proved(conn, batch)}
    rejected = {key for key, verdict in became.items() if verdict == "rejected"}
    assert rejected == {
        ("companies", "accounts.csv:4"), ("contacts", "contacts.csv:4"), ("leads", "leads.csv:4")
    }  # fmt: skip
    deals = world.rows(
        "SELECT d.name, d.value, d.currency, c.last_name, c.organization_name FROM crm.deal d "
        "JOIN crm.contact c ON c.id = d.contact_id ORDER BY d.name")  # fmt: skip
    assert [(d.name, float(d.value), d.currency, d.last_name or d.organization_name) for d in deals] == [
        ("One", 1200.5, "EUR", "Roux"), ("Two", 20.0, "EUR", "Nova")
    ]  # fmt: skip
    assert len(world.rows("SELECT 1 FROM crm.task")) == 1

    again = migrate.run(files_hub(world, *write(tmp_path))[0], WHO, "csv")
    assert again.applied is not None
    assert {v for e in again.applied.ledgers for v in e.verdicts} <= {"unchanged", "rejected"}
    for number in (again.migration.batch.id, batch):
        undo_batch(world.db.engine, WHO, number)
    assert but_turns(crm(world)) == but_turns(before)


def test_other_files_do_not_continue_a_migration_that_is_planned(
    world: World, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("Email,Nom\na@b.example,Roux\n")
    second.write_text("Email,Nom\nc@d.example,Berg\n")
    hub, files = files_hub(world, first)
    read = migrate.read_source(hub, WHO, "csv")
    migrated_files.check_same(hub, files)
    with pytest.raises(ActionError, match="a migration of other files"):
        migrated_files.check_same(world.hub, files_hub(world, second)[1])
    migrate.discard(migrated_files.without_files(world.hub), WHO, read.migration.batch.id)
    migrated_files.check_same(world.hub, files_hub(world, second)[1])


def _moded(world: World, path: Path, mode: Mode, *, overwrites: bool = False) -> dict[str, str]:
    """Migrate a file in a mode; return what became of its rows."""
    opened = migrated_files.open_files(world.hub, [path], None, mode, overwrites=overwrites)
    done = migrate.run(migrated_files.with_files(world.hub, opened), WHO, "csv")
    assert done.applied is not None
    assert done.applied.holds, done.applied.ledgers
    rows = world.rows(
        "SELECT source_id, verdict FROM ops.verdict WHERE batch_id = :b AND stream = 'leads'",
        b=done.migration.batch.id,
    )
    return {row.source_id: row.verdict for row in rows}


def _lea(world: World) -> Any:
    (row,) = world.rows("SELECT title, city FROM crm.lead WHERE email = 'lea@moreau.example.com'")
    return row


def test_modes_say_what_rows_may_do_to_what_the_hub_has(world: World, tmp_path: Path) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", jobtitle="Head of Sales"
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    path = tmp_path / "leads.csv"
    path.write_text(
        "Lead ID,First Name,Last Name,Email,Title,City\nL1,Lea,Moreau,lea@moreau.example.com,Clerk,Paris\n"
        "L2,Ida,Berg,ida@berg.example.com,,Lyon\n"
    )
    assert _moded(world, path, Mode.ADD) == {"L1": "excluded", "L2": "created"}
    assert tuple(_lea(world)) == ("Head of Sales", None)

    path.write_text(path.read_text().replace("L1", "L7").replace("L2", "L8").replace("ida", "max"))
    assert _moded(world, path, Mode.UPDATE) == {"L7": "merged", "L8": "excluded"}
    assert tuple(_lea(world)) == ("Head of Sales", "Paris"), "blanks are filled, values stay"
    assert world.rows("SELECT 1 FROM crm.lead WHERE email = 'max@berg.example.com'") == []

    assert _moded(world, path, Mode.UPDATE, overwrites=True)["L7"] == "updated"
    assert tuple(_lea(world)) == ("Clerk", "Paris")
    assert "L7" not in _moded(world, path, Mode.ADD), "its id is known, so it is left out"
    assert tuple(_lea(world)) == ("Clerk", "Paris")
    assert len(world.rows("SELECT 1 FROM crm.lead")) == 3, "nobody was Max before"


def test_an_inventory_of_files_counts_who_is_there_twice(world: World, tmp_path: Path) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", lifecyclestage="lead"
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    contacts, leads_file = tmp_path / "contacts.csv", tmp_path / "leads.csv"
    contacts.write_text("Contact ID,First Name,Last Name,Email\n1,Zoé,Roux,zoe@roux.example\n")
    leads_file.write_text(
        "Lead ID,First Name,Last Name,Company,Email,Phone,Budget\n"
        "1,Zoé,Roux,Roux,zoe@roux.example,+33 6 12 34 56 78,5\n"
        "2,Ida,Berg,Berg,ida@berg.example,+33612345678,\n"
        "3,Ida,Berg,Berg,IDA@berg.example,,\n"
        "4,Lea,Moreau,,lea@moreau.example.com,,\n"
    )
    hub, _ = files_hub(world, contacts, leads_file)

    found = migrate.inventory(hub, WHO, "csv")

    of = {one.stream: one for one in found.people}
    assert of["contacts"] == StreamDuplicates("contacts", 1, 1, True, 0, False, 0, 0, 0)
    assert of["leads"] == StreamDuplicates("leads", 4, 4, True, 1, False, 1, 1, 1)
    assert not any(one.unread for one in found.streams)
    assert found.cost.requests_n == 0
    assert not world.rows("SELECT FROM ops.batch WHERE source = 'csv'")


def test_a_pipeline_that_the_hub_does_not_have_is_a_question_of_files(
    world: World, place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(
        "Deal ID,Deal Name,Pipeline,Deal Stage,Amount,Account Name,Deal owner\n"
        "D1,One,Ventes,Quote,5 EUR,Acme,Nobody Known\nD2,Two,sales,Quote,6 EUR,Acme,\n"
    )
    hub, _ = files_hub(world, path)

    found = migrate.inventory(hub, WHO, "csv")
    tried = migrate.dry_run(hub, place, WHO, "csv")

    (deals,) = (one for one in found.streams if one.stream == "deals")
    assert (deals.record_types, deals.unknown) == ({"Ventes": 1}, [])
    assert [(one.id, one.records) for one in found.owners] == [("nobody known", 1)]
    assert tried.rehearsed is not None
    asked = {one.what: (one.kind, one.records) for one in tried.rehearsed.questions}
    assert asked["pipeline Ventes"] == ("pipeline", 1)
    assert not any("sales" in what for what in asked)
