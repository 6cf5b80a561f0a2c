"""Eight people write on one lead at the same moment: its columns tell of all they wrote."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from hub.actions.activities import activity, task
from hub.db.transactions import run_transaction
from hub.etl.context import Hub
from tests.acting import by
from tests.db.conftest import WORKERS, at_once, seed_leads

EACH = 6
T0 = datetime(2026, 2, 1, tzinfo=UTC)


def test_the_columns_tell_of_everything_that_was_written_at_once(hub: Hub) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, 1)
        (number,) = conn.execute(text("SELECT id FROM crm.lead")).scalars()
    on = f"lead/{number}"

    def write(worker: int) -> None:
        for step in range(EACH):
            at = T0 + timedelta(days=step * WORKERS + worker)
            call = {"made_at": at.isoformat(), "is_incoming": False}
            run_transaction(
                hub.engine,
                lambda conn: activity.write(by(conn, "operator"), "call", on, call),  # noqa: B023
            )
            todo = {"content": "Ring", "due_at": (at + timedelta(days=900)).isoformat()}
            run_transaction(hub.engine, lambda conn: task.add(by(conn, "operator"), todo, on=on))  # noqa: B023

    at_once([lambda w=w: write(w) for w in range(WORKERS)])  # type: ignore[misc]
    with hub.engine.begin() as conn:
        row = conn.execute(text("SELECT * FROM crm.lead")).one()
        calls = list(conn.execute(text("SELECT made_at FROM crm.call")).scalars())
        due = list(conn.execute(text("SELECT due_at FROM crm.task")).scalars())
    assert len(calls) == len(due) == EACH * WORKERS
    assert (row.last_activity_at, row.last_communication_at) == (max(calls), max(calls))
    assert row.next_task_at == min(due)
