"""What `hub status` reads and shows."""

from typing import Any

from sqlalchemy import text

from hub.cli.output import print_mapping, print_table
from hub.db.engine import Database
from hub.records import batches, budgets, drift
from hub.settings import Settings

_SOURCES = text("""
SELECT c.source, c.stream, c.cursor ->> 'watermark' AS watermark, c.updated_at,
       EXTRACT(EPOCH FROM now() - CAST(c.cursor ->> 'watermark' AS timestamptz)) AS lag_s,
       (SELECT count(*) FROM landing.head h WHERE h.source = c.source AND h.stream = c.stream) AS landed
FROM landing.checkpoint c ORDER BY c.source, c.stream
""")
_NUMBERS = text("""
SELECT (SELECT count(*) FROM landing.quarantine WHERE resolved_at IS NULL) AS quarantine,
       (SELECT count(*) FROM ops.review WHERE decided_at IS NULL) AS review,
       (SELECT count(*) FROM ops.outbox WHERE state = 'pending') AS outbox_pending,
       (SELECT count(*) FROM ops.outbox WHERE state = 'dead') AS outbox_dead,
       (SELECT count(*) FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL) AS leads
""")
_BATCHES = text("""
SELECT id, source, kind, lane, state, started_at, finished_at FROM ops.batch
ORDER BY id DESC LIMIT 10
""")


def read_status(database: Database, settings: Settings) -> dict[str, Any]:
    """Return sources, queues, numbers and the latest batches."""
    with database.engine.begin() as conn:
        return {
            "home": str(settings.home),
            "streams": [dict(row) for row in conn.execute(_SOURCES).mappings()],
            "pending": batches.waiting(conn),
            **dict(conn.execute(_NUMBERS).mappings().one()),
            "budgets": budgets.all_rows(conn),
            "drift": drift.most(conn, 10),
            "batches": [dict(row) for row in conn.execute(_BATCHES).mappings()],
        }


def _budget_cells(row: dict[str, Any]) -> tuple[Any, ...]:
    rate = (
        (row["in_window"], row["requests"], f"{row['per_s']:g} s") if row["requests"] else ("",) * 3
    )
    return row["account"], row["name"], *rate, row["day_used"], row["day_limit"]


def show_status(document: dict[str, Any]) -> None:
    """Print the status as tables."""
    print_table(
        "Streams",
        ("source", "stream", "objects", "watermark", "lag"),
        [
            (
                s["source"],
                s["stream"],
                s["landed"],
                s["watermark"],
                f"{float(s['lag_s'] or 0):.0f} s",
            )
            for s in document["streams"]
        ],
    )
    print_mapping("Waiting", document["pending"])
    names = ("quarantine", "review", "outbox_pending", "outbox_dead", "leads")
    print_mapping("Numbers", {name: document[name] for name in names})
    if document["drift"]:
        print_table(
            "Drift: what no mapping knows",
            ("source", "stream", "kind", "field", "value", "records", "last seen"),
            [
                (
                    d["source"],
                    d["stream"],
                    d["kind"],
                    d["field"],
                    d["value"],
                    d["n"],
                    d["last_seen"],
                )
                for d in document["drift"]
            ],
        )
    print_table(
        "Budgets",
        ("account", "name", "used", "of", "in", "day used", "day limit"),
        [_budget_cells(b) for b in document["budgets"]],
    )
    print_table(
        "Latest batches",
        ("id", "source", "kind", "lane", "state", "finished"),
        [
            (b["id"], b["source"], b["kind"], b["lane"], b["state"], b["finished_at"])
            for b in document["batches"]
        ],
    )
