"""The journey with a small org; `make journey` makes it with a whole one."""

import sys
from pathlib import Path

import pytest

from tests.journey.drive import KILLED_AT, Journey
from tests.journey.ways import SOURCES, way_of
from tests.processes import house, sandbox_process

LEADS = {"salesforce": 20, "hubspot": 40}
SMALL = {
    "salesforce": {"page_size": 5, "bulk_above": 12, "range_size": 25},
    "hubspot": {"page_size": 5, "range_size": 25},
}
"""A few records are many pages, ranges and jobs."""


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at processes by /proc")
@pytest.mark.parametrize("source", SOURCES)
def test_a_migration_is_whole_after_kills_storms_and_changes(source: str, tmp_path: Path) -> None:
    way = way_of(source)
    with (
        sandbox_process(*way.sandbox(LEADS[source], 4, tmp_path), "--time-scale", "100") as sandbox,
        house(migrated=True) as made,
        made.served(),
    ):
        journey = Journey(way, made, sandbox, SMALL[source], is_measured=False)
        faults = journey.go()
    assert not faults, "\n".join(faults)
    assert len(journey.kills) == len(KILLED_AT) + 2
    assert journey.waits_s
