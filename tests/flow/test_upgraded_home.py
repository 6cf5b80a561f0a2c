"""A home of version 0.1.0 is upgraded: what people did is there, and the killed sync goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from hub.clock import SystemClock
from hub.db.embedded import Server
from hub.db.engine import Database, opened_embedded
from hub.db.schema import revisions
from hub.etl import consent_changes, flow
from hub.etl.context import Hub
from hub.etl.rederive import rederive
from hub.settings import Settings
from tests.flow.conftest import STREAMS, HandConnector
from tests.old_homes import old_home
from tests.shipped import mappings

TABLES = text("""
SELECT table_schema || '."' || table_name || '"' FROM information_schema.tables
WHERE table_schema IN ('landing', 'ops', 'crm') AND table_type = 'BASE TABLE'
  AND table_name <> 'alembic_version' ORDER BY 1
""")
# A consent is no record of its own any more, and an event is of a raw version.
CONSENT = {
    'ops."source_record"': "target LIKE 'consent:%'",
    'ops."record_version"': "record_id IN (SELECT id FROM ops.source_record WHERE target LIKE 'consent:%')",
}
RENAMED_COLUMNS = {"facts": "search_tokens"}
RENAMED = {  # old name → name of today
    'ops."turn"': "ops.assignment",
    **{f'ops."{one}_tally"': f"ops.{one}_rollup" for one in ("lead", "deal", "stage")},
}


@pytest.fixture
def at_0026(server: Server) -> Iterator[str]:
    with old_home(server) as name:
        yield name


@pytest.fixture
def upgraded(server: Server, at_0026: str) -> Iterator[Database]:
    with opened_embedded(server, at_0026) as database:
        yield database


def _rows(database: Database, statement: str) -> list[Any]:
    with database.engine.begin() as conn:
        return [tuple(row) for row in conn.execute(text(statement))]


def hub_of(database: Database, tmp_path: Path) -> Hub:
    """The home's own people, and vendors that have nothing new."""
    people = _rows(database, """SELECT email, name FROM crm."user" WHERE managed_by = 'yaml'""")
    assert len(people) == 5
    settings = Settings.model_validate(
        {
            "home": str(tmp_path),
            "people": [{"email": email, "name": name} for email, name in people],
            "groups": [{"name": "sales", "members": [email for email, _ in people]}],
            "routing": {"fallback": "group:sales"},
            "smtp": {"sender": "hub@leadhub.example.com", "port": 9},
        }
    )
    vendors = {source: HandConnector(source) for source in STREAMS}
    return Hub(database.engine, SystemClock(), settings, mappings(), vendors.__getitem__)


def test_the_upgrade_keeps_every_row_of_every_table(server: Server, at_0026: str) -> None:
    owner = create_engine(server.url("hub_owner", database=at_0026), poolclass=NullPool)
    with owner.connect() as conn:
        assert conn.execute(text("SELECT version_num FROM ops.alembic_version")).scalar() == "0026"
        tables = list(conn.execute(TABLES).scalars())
        tables.remove('ops."consent_event"')
        before = {
            t: conn.execute(
                text(f"SELECT count(*) FROM {t} WHERE NOT ({CONSENT.get(t, 'false')})")
            ).scalar()
            for t in tables
        }
        leads = conn.execute(text("SELECT to_jsonb(l) FROM crm.lead l ORDER BY id")).scalars().all()
    assert sum(n or 0 for n in before.values()) > 1000
    with opened_embedded(server, at_0026) as database, database.engine.begin() as conn:
        assert (
            conn.execute(text("SELECT version_num FROM ops.alembic_version")).scalar()
            == (revisions()[-1])
        )
        after = {
            t: conn.execute(text(f"SELECT count(*) FROM {RENAMED.get(t, t)}")).scalar()
            for t in tables
        }
        kept = conn.execute(text("SELECT to_jsonb(l) FROM crm.lead l ORDER BY id")).scalars().all()
    assert after == before
    for old, new in zip(leads, kept, strict=True):
        named = {RENAMED_COLUMNS.get(name, name): value for name, value in old.items()}
        assert all(new[name] == value for name, value in named.items()), "columns may be added"


def test_no_opt_out_is_lifted_by_the_upgrade(server: Server, at_0026: str, tmp_path: Path) -> None:
    noes = """SELECT DISTINCT lower(p.canonical ->> CASE c.channel WHEN 'email' THEN 'email' ELSE 'phone' END),
      c.channel, c.purpose FROM ops.consent_event c JOIN ops.source_record o ON o.id = c.record_id
      JOIN ops.source_record p USING (source, stream, source_id)
      WHERE p.target = 'person' AND c.state = 'opt_out' AND c.channel IN ('email', 'phone')
      AND p.canonical ->> CASE c.channel WHEN 'email' THEN 'email' ELSE 'phone' END IS NOT NULL"""
    owner = create_engine(server.url("hub_owner", database=at_0026), poolclass=NullPool)
    with owner.connect() as conn:
        before = {tuple(row) for row in conn.execute(text(noes))}
    assert before
    now = "SELECT address, channel, purpose FROM reporting.consents WHERE state = 'opt_out'"
    with opened_embedded(server, at_0026) as database:
        assert before <= set(_rows(database, now))
        assert not rederive(hub_of(database, tmp_path)).left
        assert before <= set(_rows(database, now))
        with database.engine.begin() as conn:
            assert consent_changes.held(conn) == [], "the mappings read the same noes"


def test_merges_edits_and_deals_are_there(upgraded: Database) -> None:
    assert _rows(
        upgraded, "SELECT id, merged_into FROM crm.lead WHERE merged_into IS NOT NULL"
    ) in (
        [(1, 2)],
        [(2, 1)],
    )
    assert _rows(
        upgraded, "SELECT judgement FROM ops.edge WHERE made_by LIKE 'person:%'"
        " AND revoked_at IS NULL ORDER BY judgement"
    ) == [("different",), ("same",)]  # fmt: skip
    standing = "FROM crm.lead WHERE id IN (1, 2) AND merged_into IS NULL"
    assert _rows(upgraded, f"SELECT city, title {standing}") == [("Oslo", "Head of Purchasing")]
    assert _rows(
        upgraded, "SELECT s.name, d.value, d.currency, r.name FROM crm.deal d"
        " JOIN crm.stage s ON s.id = d.stage_id LEFT JOIN crm.reason r ON r.id = d.loss_reason_id"
        " ORDER BY d.id"
    ) == [("Won", 12500, "EUR", None), ("Lost", 900, "USD", "Price")]  # fmt: skip
    assert _rows(upgraded, "SELECT count(*) FROM crm.conversion") == [(2,)]


def test_a_sync_goes_on_with_the_killed_one(upgraded: Database, tmp_path: Path) -> None:
    killed = {
        (7, "hubspot"),
        (8, "mailchimp"),
        (9, "salesforce"),
        (10, "typeform"),
        (11, "zendesk"),
    }
    running = "SELECT id, source FROM ops.batch WHERE state = 'running'"
    assert set(_rows(upgraded, running)) == killed
    assert _rows(upgraded, "SELECT count(*) FROM ops.pending") == [(7,)]
    before = _rows(upgraded, "SELECT id FROM crm.lead")

    report = flow.sync(hub_of(upgraded, tmp_path), list(STREAMS))

    assert report.faults == []
    assert report.holds, report.ledgers
    assert _rows(upgraded, running) == []
    ended = {tuple(row) for row in _rows(upgraded, "SELECT id, source FROM ops.batch"
                                                   " WHERE kind = 'sync' AND state = 'done'")}  # fmt: skip
    assert killed <= ended, "no other batch stands in for the killed one"
    assert _rows(upgraded, "SELECT stage, ref FROM ops.pending WHERE stage <> 'companies'") == []
    assert _rows(upgraded, "SELECT id FROM ops.entity WHERE version > folded_version") == []
    arrived = _rows(upgraded, "SELECT id, owner_id FROM crm.lead WHERE merged_into IS NULL")
    new = [owner for number, owner in arrived if (number,) not in before]
    assert len(new) >= 5
    assert all(new), "every new lead has an owner"
    test_merges_edits_and_deals_are_there(upgraded)
