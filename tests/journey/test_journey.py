"""The journey with a small org; `make journey` makes it with a whole one."""

import sys
from pathlib import Path

import pytest

from tests.journey.drive import KILLED_AT, Journey
from tests.journey.ways import way_of
from tests.processes import house, sandbox_process

LEADS = 20
SMALL = {"page_size": 5, "bulk_above": 12, "range_size": 25}
"""A few records are many pages, ranges and jobs."""


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at processes by /proc")
def test_a_migration_is_whole_after_kills_storms_and_changes(tmp_path: Path) -> None:
    way = way_of("salesforce")
    with (
        sandbox_process(*way.sandbox(LEADS, 4, tmp_path), "--time-scale", "100") as sandbox,
        house(migrated=True) as made,
        made.served(),
    ):
        journey = Journey(way, made, sandbox, SMALL, is_measured=False)
        faults = journey.go()
    assert not faults, "\n".join(faults)
    assert len(journey.kills) == len(KILLED_AT) + 2
    assert journey.waits_s
