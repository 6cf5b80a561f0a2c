"""The benchmark of a sync runs, and refuses a load that is not whole."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bench import by_hand
from bench.hubspot_stub import TOKEN
from bench.sync import STAGES, report, stub
from bench.sync_once import Measured, hub_of, load
from hub.db.embedded import Server
from hub.db.engine import Database

N = 40


@pytest.fixture(scope="module")
def address():
    with stub(N) as (found, _):
        yield found


def test_all_stages_are_measured_and_every_contact_arrives(
    address: str, db: Database, server: Server, tmp_path: Path
) -> None:
    measured = Measured(server.data_dir, "")
    said = load(hub_of(db, address, str(tmp_path)), measured)
    assert said["holds"], said
    assert (said["rows"], said["unowned"], said["refused"]) == (N, 0, 0)
    assert tuple(said["stages"]) == STAGES
    hand = {"loader": "hand", "stages": {"all": said["stages"]["land"]}, "peak_mb": 1.0}
    ours = said | {"loader": "hub", "asked": N, "stub": 0.0}
    table = report([ours, hand], rows=N, small=N)
    assert all(f"| {stage} |" in table for stage in (*STAGES, "land to route"))


def test_a_person_without_a_row_is_no_whole_load(
    address: str, db: Database, server: Server, tmp_path: Path
) -> None:
    with db.owner_engine().begin() as conn:  # the CRM loses one row after it was loaded
        conn.execute(text("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                          "IF NEW.email LIKE '%7@%' THEN RETURN NULL; END IF; RETURN NEW; END $$"))  # fmt: skip
        conn.execute(
            text(
                "CREATE TRIGGER lose BEFORE INSERT ON crm.lead FOR EACH ROW EXECUTE FUNCTION lose()"
            )
        )
    said = load(hub_of(db, address, str(tmp_path)), Measured(server.data_dir, ""))
    assert not said["holds"]


def test_the_script_by_hand_loads_the_same_contacts(
    address: str, db: Database, server: Server
) -> None:
    with psycopg.connect(db.owner_url.replace("+psycopg", "")) as conn:
        assert by_hand.load(address, TOKEN, conn) == N
