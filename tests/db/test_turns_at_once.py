"""Eight workers route through one distribution group: every turn is handed out exactly once."""

from collections import Counter
from itertools import cycle, islice

import pytest
from sqlalchemy import text

from hub.etl import route
from hub.etl.context import Hub
from hub.etl.route import route_unowned
from tests.db.conftest import WORKERS, at_once, seed_leads

LEADS = 1000


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "CHUNK", 7)


@pytest.mark.usefixtures("_small_chunks")
def test_turns_follow_the_groups_order_whatever_the_number_of_workers(hub: Hub) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, LEADS // 2)

    def bring_more_and_route(worker: int) -> None:
        for part in range(4):
            with hub.engine.begin() as conn:
                seed_leads(conn, LEADS // 2 // WORKERS // 4, name=f"0Q{worker}{part}")
            route_unowned(hub, bulk=True)

    at_once([lambda w=w: bring_more_and_route(w) for w in range(WORKERS)])  # type: ignore[misc]
    route_unowned(hub, bulk=True)
    with hub.engine.begin() as conn:
        turns = list(conn.execute(text("SELECT user_id FROM ops.assignment ORDER BY id")).scalars())
        leads = list(conn.execute(text("SELECT lead_id FROM ops.assignment")).scalars())
        owned = Counter(conn.execute(text("SELECT owner_id FROM crm.lead")).scalars())
        ring = list(
            conn.execute(text("SELECT user_id FROM crm.member ORDER BY position")).scalars()
        )
    seeded = LEADS // 2 + LEADS // 2 // WORKERS // 4 * 4 * WORKERS
    assert len(leads) == len(set(leads)) == seeded, "one turn a lead"
    assert turns == list(islice(cycle(ring), seeded)), "in the group's order, without a gap"
    assert None not in owned
    assert max(owned.values()) - min(owned.values()) <= 1
