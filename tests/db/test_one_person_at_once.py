"""Eight connections bring one person in the same moment: there is one lead, with one owner."""

import json
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from hub.connectors.base import Page, Stream
from hub.etl import flow, match
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.load import load_stale
from hub.etl.match import match_pending
from hub.etl.normalize import normalize_pending
from hub.etl.route import route_unowned
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.records.batches import Batch
from tests.db.conftest import WORKERS, at_once
from tests.flow.conftest import START

MAIL, PHONE = {"Email": "ines.roche@roche.example.com"}, {"Phone": "+33 6 39 98 12 34"}
PERSON = {"FirstName": "Inès", "LastName": "Roche"}


def _record(number: int, **values: str) -> RawRecord:
    source_id = f"00Q{number:012d}AAA"
    row = {"Id": source_id, "CreatedDate": "2025-05-05T10:00:00Z", **PERSON, **values}
    at = START + timedelta(seconds=number)
    return RawRecord(source_id, Op.UPSERT, at, "1", json.dumps(row).encode())


def _bring(hub: Hub, batch: Batch, records: list[RawRecord], together: Barrier) -> None:
    """The whole way of one worker; every stage begins when all workers are there."""
    land_page(hub, batch, Stream("leads"), Page(records, {}))
    for stage in (
        normalize_pending,
        match_pending,
        load_stale,
        lambda hub: route_unowned(hub, bulk=True),
    ):
        together.wait()
        stage(hub)


@pytest.mark.parametrize("attempt", range(3))
def test_eight_connections_make_one_lead_of_one_person(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, attempt: int
) -> None:
    monkeypatch.setattr(match, "CHUNK", 1)  # a record for each worker
    batch, together = flow.begin(hub, "salesforce"), Barrier(WORKERS)
    at_once(
        [
            lambda n=n: _bring(hub, batch, [_record(n, **MAIL, **PHONE)], together)  # type: ignore[misc]
            for n in range(1, WORKERS + 1)
        ]
    )
    with hub.engine.begin() as conn:
        leads = conn.execute(text("SELECT id, owner_id FROM crm.lead")).all()
        entities = conn.execute(
            text("SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person'")
        ).all()
        turns = conn.execute(text("SELECT lead_id FROM ops.assignment")).all()
    assert len(leads) == len(entities) == len(turns) == 1
    assert leads[0].owner_id is not None
    (entry,) = [e for e in flow.finish(hub, batch) if e.stream == "leads"]
    assert entry.holds, entry
    assert dict(entry.verdicts) == {"created": 1, "merged": WORKERS - 1}


@pytest.mark.parametrize("attempt", range(6))
def test_two_halves_that_a_third_record_joins_are_one_lead_in_the_end(
    hub: Hub, attempt: int
) -> None:
    """Half the workers know the address, half the number, one both; no stage waits for another."""
    batch = flow.begin(hub, "salesforce")
    known: list[dict[str, str]] = [MAIL, PHONE] * (WORKERS // 2)
    known[attempt % WORKERS] = MAIL | PHONE

    def bring(number: int) -> None:
        record = _record(number, **known[number - 1])
        land_page(hub, batch, Stream("leads"), Page([record], {}))
        flow.run_stages(hub)

    at_once([lambda n=n: bring(n) for n in range(1, WORKERS + 1)])  # type: ignore[misc]
    flow.run_stages(hub)
    with hub.engine.begin() as conn:
        standing = conn.execute(text("SELECT id FROM reporting.leads")).all()
        lost = conn.execute(
            text("SELECT id FROM crm.lead WHERE archived_at IS NOT NULL AND merged_into IS NULL")
        ).all()
        behind = conn.execute(
            text("SELECT id FROM ops.entity WHERE version > folded_version")
        ).all()
    assert len(standing) == 1
    assert not lost
    assert not behind
    (entry,) = [e for e in flow.finish(hub, batch) if e.stream == "leads"]
    assert entry.holds, entry


def test_a_merged_lead_waits_for_a_survivor_that_no_loader_has_written_yet(hub: Hub) -> None:
    batch = flow.begin(hub, "salesforce")
    land_page(hub, batch, Stream("leads"), Page([_record(1, **MAIL), _record(2, **PHONE)], {}))
    normalize_pending(hub)
    match_pending(hub)
    with hub.engine.begin() as slow_loader:
        slow_loader.execute(text("SELECT 1 FROM ops.entity ORDER BY id LIMIT 1 FOR UPDATE"))
        load_stale(hub)  # the second entity alone
    with hub.engine.begin() as conn:  # and then they are one, the first still without a lead
        first, second = conn.execute(text("SELECT id FROM ops.entity ORDER BY id")).scalars()
        conn.execute(
            text("UPDATE ops.source_record SET entity_id = :first, joined_batch_id = batch_id"),
            {"first": first},
        )
        conn.execute(
            text(
                "UPDATE ops.entity SET merged_into = :first, version = version + 1 WHERE id = :second"
            ),
            {"first": first, "second": second},
        )
    with hub.engine.begin() as slow_loader:
        slow_loader.execute(text("SELECT 1 FROM ops.entity ORDER BY id LIMIT 1 FOR UPDATE"))
        load_stale(hub)
    load_stale(hub)
    with hub.engine.begin() as conn:
        leads = conn.execute(text("SELECT id, merged_into FROM crm.lead ORDER BY entity_id")).all()
    assert [lead.merged_into for lead in leads] == [None, leads[0].id]
