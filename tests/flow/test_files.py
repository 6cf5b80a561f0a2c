"""CSV and Excel files as a source, through the ordinary stages: landed, mapped, matched, loaded, proven."""

import dataclasses
from pathlib import Path
from typing import Any

from hub.clock import SystemClock
from hub.connectors.files.column_files import parse_columns
from hub.connectors.files.streams import FilesConnector
from hub.etl import flow
from hub.etl.context import Hub
from tests.flow.conftest import World

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
        from sqlalchemy import text

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
