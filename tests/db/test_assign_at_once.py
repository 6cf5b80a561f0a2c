"""Eight people give leads to one group at the same moment: every turn is handed out once."""

from collections import Counter
from itertools import cycle, islice

from sqlalchemy import text

from hub.actions.people.assign import assign_many
from hub.db.transactions import run_transaction
from hub.etl.context import Hub
from tests.acting import by
from tests.db.conftest import WORKERS, at_once, seed_leads

EACH = 24


def test_turns_by_hand_follow_the_groups_order_whatever_the_number_of_workers(hub: Hub) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, EACH * WORKERS)
        leads = list(conn.execute(text("SELECT id FROM crm.lead ORDER BY id")).scalars())

    def give(worker: int) -> None:
        mine = leads[worker::WORKERS]
        for part in (mine[:1], mine[1:5], mine[5:]):
            run_transaction(
                hub.engine,
                lambda conn: assign_many(by(conn, "operator"), "lead", part, "sales"),  # noqa: B023
            )

    at_once([lambda w=w: give(w) for w in range(WORKERS)])  # type: ignore[misc]
    with hub.engine.begin() as conn:
        turns = list(conn.execute(text("SELECT user_id FROM ops.assignment ORDER BY id")).scalars())
        owned = Counter(conn.execute(text("SELECT owner_id FROM crm.lead")).scalars())
        ring = list(
            conn.execute(text("SELECT user_id FROM crm.member ORDER BY position")).scalars()
        )
    assert turns == list(islice(cycle(ring), EACH * WORKERS)), "in the group's order, without a gap"
    assert max(owned.values()) == min(owned.values())
