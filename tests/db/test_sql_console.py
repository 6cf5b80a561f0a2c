"""`hub sql` looks and cannot touch: whatever is asked, nothing changes and no secret is seen."""

import resource
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from hub.db import sql_console
from hub.db.embedded import SUPERUSER, Server
from hub.db.engine import Database
from hub.db.sql_console import run_readonly
from hub.errors import ConfigError
from tests.prepared import fresh_database

WRITES = [
    "INSERT INTO crm.distribution_group (name) VALUES ('x')",
    "UPDATE crm.lead SET last_name = 'x'",
    "DELETE FROM crm.lead",
    "TRUNCATE crm.lead",
    "CREATE TABLE public.x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "DROP VIEW reporting.leads",
    "GRANT ALL ON crm.lead TO hub_read",
    "SET ROLE hub_owner",
    "SET SESSION AUTHORIZATION hub_owner",
    "RESET ALL",
    "BEGIN READ WRITE",
    "COMMIT",
    "DO $$ BEGIN DELETE FROM crm.lead; END $$",
    "COPY crm.lead TO STDOUT",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/written'",
    "COPY (SELECT 1) TO '/tmp/written'",
    "CALL nothing()",
    "VACUUM",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE crm.lead",
    "PREPARE x AS DELETE FROM crm.lead",
    "/* SELECT */ DELETE FROM crm.lead",
    "-- SELECT\nDELETE FROM crm.lead",
    "WITH gone AS (DELETE FROM crm.lead RETURNING 1) SELECT * FROM gone",
    "SELECT 1 INTO crm.x",
    "SELECT * FROM crm.lead FOR UPDATE",
    "EXPLAIN ANALYZE DELETE FROM crm.lead",
    "SELECT nextval('ops.assignment_id_seq')",
    "SELECT setval('ops.assignment_id_seq', 1)",
    "SELECT set_config('role', 'hub_owner', false)",
    "SELECT set_config('session_authorization', 'hub_owner', false)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_export(1, '/tmp/written')",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT dblink_exec('', 'DELETE FROM crm.lead')",
    "SELECT query_to_xml('DELETE FROM crm.lead', true, false, '')",
    "SELECT 1; DELETE FROM crm.lead",
    "SELECT 1; SELECT 2",
    "SELECT 1;;DELETE FROM crm.lead;",
    "",
    "/* SELECT 1",
    "SELECT '\udcff'",
]
SECRETS = [
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('postgresql.auto.conf')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_file_settings",
    "SELECT current_setting('data_directory')",
    "SELECT * FROM postgres.pg_catalog.pg_class",
    "SELECT * FROM pg_read_server_files",
]


_ROWS = (
    "INSERT INTO crm.distribution_group (name) VALUES ('sales')",
    "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) VALUES ('lead', 1, 1, 'bulk')",
    "INSERT INTO crm.lead (entity_id, last_name, lane, batch_id) VALUES (1, 'Roche', 'bulk', 1)",
)


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Database]:
    """One database for all: nothing that is tried here may change it."""
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            for row in _ROWS:
                conn.execute(text(row))
        yield database


def _everything(database: Database) -> list[Any]:
    with database.owner_engine().connect() as conn:
        return [
            conn.execute(text("SELECT * FROM crm.lead")).all(),
            conn.execute(text("SELECT * FROM crm.distribution_group")).all(),
            conn.execute(
                text(
                    "SELECT oid, relname, relacl::text FROM pg_class WHERE relkind IN ('r', 'v') ORDER BY oid"
                )
            ).all(),
            conn.execute(text("SELECT last_value, is_called FROM ops.assignment_id_seq")).all(),
            conn.execute(text("SELECT count(*) FROM pg_largeobject_metadata")).all(),
        ]


def test_it_reads(filled: Database) -> None:
    assert run_readonly(filled, "SELECT last_name FROM reporting.leads") == [{"last_name": "Roche"}]
    assert run_readonly(filled, "TABLE crm.distribution_group")[0]["name"] == "sales"
    assert run_readonly(filled, "(SELECT 1 AS a) UNION SELECT 1; ") == [{"a": 1}]
    assert run_readonly(filled, "-- why\nWITH x AS (SELECT '%s;' AS a) SELECT * FROM x") == [
        {"a": "%s;"}
    ]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("VALUES (1, 'a'), (2, 'b')", [{"column1": 1, "column2": "a"}, {"column1": 2, "column2": "b"}]),
        ("values(1)", [{"column1": 1}]),
        ("((VALUES (1)))", [{"column1": 1}]),
        ('TABLE"crm"."ticket"', []),
        ("SELECT*FROM crm.ticket", []),
        ("/* a /* nested */ comment */ -- and a line\n SELECT 1 AS a -- the end", [{"a": 1}]),
        ("WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT i + 1 FROM n WHERE i < 3) TABLE n",
         [{"i": 1}, {"i": 2}, {"i": 3}]),
        ("SELECT 1 AS a WHERE false", []),
        ("SELECT", [{}]),
    ],
)  # fmt: skip
def test_every_statement_that_only_reads_is_taken(
    filled: Database, statement: str, rows: list[dict[str, Any]]
) -> None:
    assert run_readonly(filled, statement) == rows


def test_a_plan_is_shown(filled: Database) -> None:
    (first, *_) = run_readonly(filled, "EXPLAIN SELECT * FROM reporting.leads")
    assert list(first) == ["QUERY PLAN"]


def test_columns_of_one_name_are_all_there(filled: Database) -> None:
    found = run_readonly(filled, "SELECT 1 AS id, 2 AS id, 3 AS id_2, 4 AS id, 5 AS a")
    assert found == [{"id": 1, "id_3": 2, "id_2": 3, "id_4": 4, "a": 5}]
    (joined,) = run_readonly(filled, "SELECT a.id, b.id FROM crm.lead a, crm.distribution_group b")
    assert list(joined) == ["id", "id_2"]


def test_too_many_rows_are_refused_before_they_are_loaded(filled: Database) -> None:
    """Some 10 GB of rows, which a client must not take first and count later."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match="more than 100000 rows"):
        run_readonly(filled, "SELECT generate_series(1, 100000000) g, repeat('x', 100)")
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 200_000


def test_the_last_row_that_is_allowed_is_there(filled: Database) -> None:
    assert len(run_readonly(filled, "SELECT * FROM generate_series(1, 100000)")) == 100_000


def test_many_short_reads_have_thirty_seconds_together(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thousand rows takes less than the limit, and turns the server's own limit off."""
    monkeypatch.setattr(sql_console, "_TIMEOUT_MS", 700)
    slow = (
        "SELECT g, CASE WHEN g % 500 = 0 THEN pg_sleep(0.1) END, "
        "set_config('statement_timeout', '0', true) FROM generate_series(1, 90000) g"
    )
    with pytest.raises(ConfigError, match="timeout"):
        run_readonly(filled, slow)


@pytest.mark.parametrize("statement", WRITES)
def test_it_refuses_to_write(filled: Database, statement: str) -> None:
    before = _everything(filled)
    with pytest.raises(ConfigError):
        run_readonly(filled, statement)
    assert _everything(filled) == before


@pytest.mark.parametrize("statement", SECRETS)
def test_it_refuses_to_read_files_and_secrets(filled: Database, statement: str) -> None:
    with pytest.raises(ConfigError):
        run_readonly(filled, statement)


def test_the_role_alone_could_not_write_either(filled: Database) -> None:
    """The first words and the read-only transaction are courtesy: the role has no rights."""
    url = make_url(filled.read_url).set(drivername="postgresql").render_as_string()
    before = _everything(filled)
    for statement in WRITES:
        conn = psycopg.connect(url, autocommit=True)
        conn.execute("SET default_transaction_read_only = off")
        with closing(conn), suppress(psycopg.Error):
            conn.execute(statement.encode(errors="surrogateescape"))
    assert _everything(filled) == before


def test_a_database_of_your_own_is_not_written_to_either(filled: Database) -> None:
    """There the hub has one role for everything: the read-only transaction has to hold alone."""
    own = replace(filled, read_url=filled.owner_url, is_embedded=False)
    before = _everything(filled)
    for statement in WRITES:
        with suppress(ConfigError):
            run_readonly(own, statement)
    assert _everything(filled) == before


def test_a_superuser_is_refused(filled: Database) -> None:
    url = make_url(filled.owner_url).set(username=SUPERUSER).render_as_string()
    with pytest.raises(ConfigError, match="superuser"):
        run_readonly(replace(filled, read_url=url), "SELECT 1")


def test_a_long_statement_is_cut_at_thirty_seconds(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = run_readonly(filled, "SELECT current_setting('statement_timeout') AS t")
    assert row["t"] == "30s" or 29_000 < int(row["t"].removesuffix("ms")) < 30_000
    monkeypatch.setattr(sql_console, "_TIMEOUT_MS", 200)
    for statement in (
        "SELECT pg_sleep(60)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
    ):
        with pytest.raises(ConfigError, match="timeout"):
            run_readonly(filled, statement)


def test_nobody_elses_queries_are_seen(filled: Database) -> None:
    with filled.engine.begin() as conn:
        conn.execute(text("SELECT 'planted secret'"))
        seen = run_readonly(filled, "SELECT query FROM pg_stat_activity")
    assert "planted secret" not in str(seen)
