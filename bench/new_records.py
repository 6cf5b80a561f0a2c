"""New records at the emulated vendors, and the seconds until each is in the CRM."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from sqlalchemy import Connection, text

from hub.clock import SystemClock

_CLOCK = SystemClock()
_LATE_S = 1200
NEW: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "salesforce": ("leads", {"LastName": "Idle{n}", "Company": "Idle{n} Ltd"}),
    "hubspot": (
        "contacts",
        {"firstname": "Ida", "lastname": "Idle{n}", "email": "ida{n}@idle{n}.example"},
    ),
    "typeform": (
        "responses",
        {"first_name": "Tom", "last_name": "Idle{n}", "email": "tom{n}@idle{n}.example"},
    ),
    "mailchimp": (
        "members",
        {
            "email_address": "may{n}@idle{n}.example",
            "status": "subscribed",
            "merge_fields": {"FNAME": "May", "LNAME": "Idle{n}"},
        },
    ),
    "zendesk": ("users", {"name": "Zoe Idle{n}", "email": "zoe{n}@idle{n}.example"}),
}
"""A new record of each source: its stream and values; `{n}` is the number of the round."""
_IN_CRM = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.source_record s JOIN ops.entity e ON e.id = s.entity_id
  WHERE s.source = :source AND s.source_id LIKE '%' || :id AND e.folded_version >= e.version)
""")


def seconds_to_crm(
    conn: Connection,
    control: str,
    *,
    apart_s: float,
    tell: Callable[[str], None],
    round_n: int = 0,
) -> dict[str, float | None]:
    """Make one record at each vendor; return the seconds until each is in the CRM, None for not in time.

    Args:
        conn: to the hub's database.
        control: the address by which the emulated vendors are changed.
        apart_s: seconds between two vendors; 0 for all at one instant.
        tell: is told of progress.
        round_n: tells these records from those of another round.
    """
    made: dict[str, tuple[str, float]] = {}
    took: dict[str, float | None] = dict.fromkeys(NEW)
    began = time.monotonic()
    while None in took.values() and time.monotonic() - began < _LATE_S:
        for source in NEW:
            if source not in made and time.monotonic() - began >= apart_s * len(made):
                made[source] = _create(control, source, round_n), time.monotonic()
                tell(f"a record was made at {source}")
        for source, (id_, at) in made.items():
            if took[source] is None and _is_there(conn, source, id_):
                took[source] = time.monotonic() - at
                tell(f"the record of {source} is in the CRM after {took[source]:.0f} s")
        _CLOCK.sleep(1)
    return took


def _is_there(conn: Connection, source: str, id_: str) -> bool:
    found: bool = conn.execute(_IN_CRM, {"source": source, "id": id_}).scalar_one()
    conn.rollback()
    return found


def _create(control: str, source: str, round_n: int) -> str:
    """Make a record at a vendor; return its id."""
    stream, values = NEW[source]
    own = json.loads(json.dumps(values).replace("{n}", str(round_n or "")))
    event = {"op": "create", "source": source, "stream": stream, "values": own}
    answer = requests.post(f"{control}/events", json=event, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["id"])


def promised(status: str) -> dict[str, float]:
    """Return the seconds that `hub status --json` promises for each source."""
    return {one["source"]: float(one["promise_s"]) for one in json.loads(status)["promises"]}
