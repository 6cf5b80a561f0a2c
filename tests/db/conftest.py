"""A hub over a fresh database, and rows in bulk: what one test would need minutes to land."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.clock import SystemClock
from hub.crm import owners
from hub.db.engine import Database
from hub.etl.assemble import group_of
from hub.etl.context import Hub
from hub.etl.groups import apply_groups
from hub.settings import Settings
from tests.flow.conftest import HandConnector
from tests.shipped import mappings

WORKERS = 8


@pytest.fixture
def hub(db: Database, settings: Settings) -> Hub:
    """The hub with three people who share the turns, and two vendors without records."""
    vendors = {
        "salesforce": HandConnector("salesforce", names=("users", "leads")),
        "typeform": HandConnector("typeform", names=("responses",)),
    }
    with db.engine.begin() as conn:
        owners.apply_people(
            conn, [owners.Person(p.email, p.name, True, "UTC", {}) for p in settings.people]
        )
        apply_groups(conn, [group_of(g) for g in settings.groups])
    return Hub(db.engine, SystemClock(), settings, mappings(), vendors.__getitem__)


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run every work in a thread of its own, all let go in the same moment."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


_SEED = (
    """
INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload)
SELECT :batch, 'salesforce', 'leads', :name || lpad(g::text, 9, '0'), 'upsert',
       timestamptz '2026-01-01' + g * interval '1 second', '1', decode(md5(g::text), 'hex'),
       json_build_object('Id', :name || lpad(g::text, 9, '0'), 'LastName', 'Name' || g)
FROM generate_series(1, :n) g ORDER BY g
""",
    """
INSERT INTO landing.head (source, stream, source_id, raw_id, hash, op)
SELECT source, stream, source_id, id, hash, op FROM landing.raw WHERE batch_id = :batch
""",
    """
INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version)
SELECT 'person', id, :batch, 'bulk', 1, 1 FROM landing.raw WHERE batch_id = :batch ORDER BY id
""",
    """
INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, batch_id, lane,
  mapping_version, trust, canonical, canonical_hash, source_at, entity_id)
SELECT r.source, r.stream, r.source_id, 'person', r.id, :batch, 'bulk', '1', 'trusted',
       jsonb_build_object('last_name', 'Name' || r.id), r.hash, r.at, e.id
FROM landing.raw r JOIN ops.entity e ON e.anchor_id = r.id AND e.batch_id = :batch
WHERE r.batch_id = :batch ORDER BY r.id
""",
    """
UPDATE ops.entity e SET anchor_id = s.id FROM ops.source_record s
WHERE s.entity_id = e.id AND e.batch_id = :batch
""",
    """
UPDATE ops.source_record SET match_keys = ARRAY(
  SELECT hashtextextended(source_id, n) & ~CAST(255 AS bigint) | 64 FROM generate_series(1, 3) n
  ORDER BY 1)
WHERE batch_id = :batch
""",
    """
INSERT INTO ops.match_key (hash, record_id)
SELECT unnest(match_keys), id FROM ops.source_record WHERE batch_id = :batch
""",
    """
INSERT INTO ops.verdict (batch_id, source, stream, source_id, is_live, at, verdict)
SELECT batch_id, source, stream, source_id, true, source_at, 'created' FROM ops.source_record
WHERE batch_id = :batch
""",
    """
INSERT INTO crm.lead (entity_id, last_name, created_at, lane, batch_id, owner_id)
SELECT entity_id, canonical ->> 'last_name', source_at, 'bulk', :batch,
       CASE WHEN :owned THEN (SELECT min(id) FROM crm."user") END
FROM ops.source_record WHERE batch_id = :batch ORDER BY id
""",
)


def seed_leads(conn: Connection, n: int, *, name: str = "00Q", owned: bool = False) -> int:
    """Write `n` loaded leads of one finished batch; returns the batch's id."""
    batch: int = conn.execute(
        text(
            "INSERT INTO ops.batch (kind, source, lane, state) "
            "VALUES ('sync', 'salesforce', 'bulk', 'done') RETURNING id"
        )
    ).scalar_one()
    for statement in _SEED:
        conn.execute(text(statement), {"batch": batch, "n": n, "name": name, "owned": owned})
    return batch
