"""Records that are not stored yet are appended: the result is that of the general way."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

from sqlalchemy import text

from hub.db.engine import Database
from hub.model.verdicts import Trust
from hub.records import sources
from hub.records.sources import NewSourceRecord

_STORED = text("""
SELECT source_id, target, role, raw_id, batch_id, lane, mapping_version, trust, canonical,
  canonical_hash, refs, source_at, entity_id, gone_at, withdrawn_by
FROM ops.source_record ORDER BY source_id, target
""")
_WAITING = text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")


def _record(number: int, target: str = "person", raw_id: int = 0) -> NewSourceRecord:
    return NewSourceRecord(
        source="hubspot",
        stream="contacts",
        source_id=f"é\\\t{number}",
        target=target,
        role="lead" if target == "person" else None,
        raw_id=raw_id or number,
        batch_id=1,
        lane="bulk",
        mapping_version="1",
        trust=Trust.OPEN,
        values={"last_name": f'O\\"{number}\n', "tags": ["a", None], "raw": raw_id},
        refs={"owner": "7"},
        source_at=datetime(2026, 1, 1, tzinfo=UTC) if number % 2 else None,
    )


def _stored(
    db: Database, records: Sequence[NewSourceRecord], known: set[sources.Key] | None
) -> tuple[list[sources.Written], list[tuple[object, ...]]]:
    with db.engine.connect() as conn:
        written = sources.upsert(conn, records, known)
        rows = [tuple(row) for row in conn.execute(_STORED)]
        conn.rollback()
    return sorted((replace(w, id=0) for w in written), key=lambda w: (w.source_id, w.target)), rows


def test_appended_records_are_those_of_the_general_way(db: Database) -> None:
    records = [_record(n) for n in range(1, 6)] + [_record(2, "inquiry"), _record(3, raw_id=9)]
    appended, general = _stored(db, records, set()), _stored(db, records, None)
    assert appended == general
    assert len(appended[1]) == len(records) - 1, "of two versions the newest stands"


def test_known_records_are_replaced_and_new_ones_appended(db: Database) -> None:
    with db.engine.begin() as conn:
        (old,) = sources.upsert(conn, [_record(1)])
        known = {k.key for k in sources.lock(conn, "hubspot", "contacts", [old.source_id])}
        written = sources.upsert(conn, [_record(1, raw_id=7), _record(2)], known)
    assert {w.source_id: (w.is_new, w.is_changed) for w in written} == {
        _record(1).source_id: (False, True),
        _record(2).source_id: (True, True),
    }


def test_a_record_that_another_stores_meanwhile_is_replaced(db: Database) -> None:
    def second() -> None:
        with db.engine.begin() as conn:
            found.extend(sources.upsert(conn, [_record(1, raw_id=9), _record(2)], set()))

    found: list[sources.Written] = []
    with db.engine.begin() as conn:
        sources.upsert(conn, [_record(1)], set())
        other = Thread(target=second)
        other.start()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as onlooker:
            while not onlooker.execute(_WAITING).scalar_one():
                time.sleep(0.01)
    other.join()
    assert {w.source_id: w.is_new for w in found} == {
        _record(1).source_id: False,
        _record(2).source_id: True,
    }
    with db.engine.connect() as conn:
        assert [row.raw_id for row in conn.execute(_STORED)] == [9, 2]
