"""The benchmark of a sync runs, counts what is written, and refuses a load that is not whole."""

import json
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bench import by_dlt
from bench.figures import per_record
from bench.hubspot_stub import TOKEN
from bench.sync import STAGES, measure, parser, stub
from bench.sync_once import hub_of, load, measured
from bench.sync_report import document, render
from bench.write_counters import TableWrites, WriteCounter, flush_connection
from hub.db.embedded import Server
from hub.db.engine import Database

ROWS, SMALL, FEW = 2_000, 20, 40
_OF_RECORDS = (
    "landing.raw", "landing.head", "ops.pending", "ops.source_record", "ops.match_key", "ops.entity",
    "ops.verdict", "crm.lead", "crm.contact", "ops.assignment",
)  # fmt: skip


@pytest.fixture(scope="module")
def loads(server: Server):
    """One round as the command runs it: every load in a process and a database of its own."""
    return measure(server, parser().parse_args(["--rows", str(ROWS), "--small", str(SMALL)]))


@pytest.fixture(scope="module")
def address():
    with stub(FEW) as (found, _):
        yield found


def _url(database: Database) -> str:
    return database.owner_url.replace("+psycopg", "")


def test_two_thousand_contacts_arrive_and_their_ledgers_hold(loads) -> None:
    assert [(one["loader"], one["rows"]) for one in loads] == [
        ("hub", SMALL), ("hand", ROWS), ("hub", ROWS),
    ]  # fmt: skip
    said = loads[-1]
    assert said["holds"], said
    assert (said["people"], said["unowned"], said["refused"]) == (ROWS, 0, 0)
    assert tuple(said["stages"]) == STAGES
    for name, stage in said["stages"].items():
        assert stage["client"] + stage["database"] > 0, name
        assert stage["wal"] > 0, name
        assert stage["tables"], name


def test_the_report_says_per_stage_what_a_record_costs_and_what_is_written(loads) -> None:
    said = json.loads(json.dumps(document(loads, ROWS, SMALL)))
    lines = said["per_record"]
    assert list(lines) == ["hand script", *STAGES, "land to route", "re-read"]
    for key in ("cpu_us", "wal_bytes", "rows_inserted", "rows_updated", "hot_updates",
                "rows_deleted", "index_entries", "gin_entries"):  # fmt: skip
        assert lines["land to route"][key] == pytest.approx(sum(lines[s][key] for s in STAGES))
    hand = lines["hand script"]
    assert (hand["rows_inserted"], hand["rows_updated"], hand["index_entries"]) == (1, 0, 1)
    printed = render(said, tables=True)
    assert all(f"| {stage} |" in printed for stage in (*STAGES, "land to route"))
    assert "| land | landing.raw |" in printed
    assert "| land | landing.raw |" not in render(said)


def test_a_re_read_of_an_unchanged_source_is_measured_and_brings_nothing(loads) -> None:
    again = loads[-1]["reread"]
    assert again["client"] + again["database"] > 0
    assert again["tables"].keys().isdisjoint(set(_OF_RECORDS) - {"ops.verdict"}), again["tables"]
    assert again["tables"]["ops.verdict"]["inserted"] >= ROWS  # each is seen, and unchanged


def test_the_counters_know_every_row_that_is_there(
    address: str, db: Database, server: Server, tmp_path: Path
) -> None:
    with measured(_url(db), server.data_dir) as found:
        said = load(hub_of(db, address, str(tmp_path)), found)
    assert said["holds"], said
    counted = dict.fromkeys(_OF_RECORDS, 0)
    for stage in (*said["stages"].values(), said["reread"]):
        for name in counted.keys() & stage["tables"].keys():
            table = stage["tables"][name]
            counted[name] += table["inserted"] - table["deleted"]
    with db.owner_engine().begin() as conn:
        there = {
            name: conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in _OF_RECORDS
        }
    assert counted == there
    assert there["landing.raw"] > FEW


def test_rows_hot_updates_and_entries_are_told_apart(db: Database) -> None:
    with psycopg.connect(_url(db)) as conn, psycopg.connect(_url(db)) as own:
        conn.execute(
            "CREATE TABLE public.t (id int PRIMARY KEY, a int, b int, tags text[]) "
            "WITH (fillfactor = 50, autovacuum_enabled = off)"
        )
        conn.execute("CREATE INDEX ON public.t (a)")
        conn.execute("CREATE INDEX ON public.t USING gin (tags)")
        conn.execute("CREATE INDEX ON public.t USING brin (b)")
        conn.execute("CREATE TEMPORARY TABLE passing (id int)")
        conn.commit()
        counter = WriteCounter(own)
        flush_connection(conn)
        before = counter.read()
        conn.execute("INSERT INTO passing SELECT generate_series(1, 50)")
        conn.execute("INSERT INTO public.t SELECT g, g, g, '{x,y}' FROM generate_series(1, 5) g")
        conn.execute("UPDATE public.t SET b = 7 WHERE id = 1")  # no entry but BRIN's
        conn.execute("UPDATE public.t SET a = 7 WHERE id IN (2, 3)")
        conn.execute("DELETE FROM public.t WHERE id = 4")
        conn.commit()
        flush_connection(conn)
        found = counter.read().since(before)
    assert found.wal > 0
    assert dict(found.tables) == {
        "public.t": TableWrites(inserted=5, updated=3, hot=1, deleted=1, indexes=2, gin=1)
    }
    stage = {"wall": 1.0, "client": 1e-6, "database": 1e-6, "wal": found.wal}
    said = per_record(stage | {"tables": {"public.t": asdict(found.tables["public.t"])}}, 1)
    assert (said["index_entries"], said["gin_entries"]) == (14, 7)  # of 5 + 3 - 1 row versions


def test_a_person_without_a_row_is_no_whole_load(
    address: str, db: Database, server: Server, tmp_path: Path
) -> None:
    with db.owner_engine().begin() as conn:  # the CRM loses one row after it was loaded
        conn.execute(text("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                          "IF NEW.email LIKE '%7@%' THEN RETURN NULL; END IF; RETURN NEW; END $$"))  # fmt: skip
        conn.execute(
            text(
                "CREATE TRIGGER lose BEFORE INSERT ON crm.contact FOR EACH ROW EXECUTE FUNCTION lose()"
            )
        )
    with measured(_url(db), server.data_dir) as found:
        said = load(hub_of(db, address, str(tmp_path)), found)
    assert not said["holds"]


def test_a_missing_peer_says_how_to_install_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dlt", None)
    with pytest.raises(SystemExit, match=r"pip install -e '\.\[bench\]'"):
        by_dlt.loader("dlt-csv", "http://127.0.0.1:9", TOKEN, tmp_path, "none")


@pytest.mark.skipif(find_spec("dlt") is None, reason="the extra `bench` is not installed")
def test_dlt_lands_the_same_stub_beside_ours(server: Server) -> None:
    asked = ["--rows", str(FEW), "--small", str(FEW - 1), "--peer", "dlt-csv"]
    found = measure(server, parser().parse_args(asked))
    assert [one["loader"] for one in found] == ["hub", "hand", "dlt-csv", "hub"]
    lines = document(found, FEW, FEW - 1)["per_record"]
    assert lines["dlt-csv"]["tables"]["dlt_bench.contacts"]["rows_inserted"] == 1
