"""The next step of a migration that runs by itself, and the cases in which it waits for a user."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub.assets.migration_sensor import runs_of_ranges
from hub.migration.scheduling import MOST_TRIES, RETRY_S, Launched, Step, is_due, launch, next_step
from hub.records.migrations import MigrationStatus, RangeState

AT = datetime(2026, 12, 5, 5, tzinfo=UTC)
READING = MigrationStatus(
    12, "salesforce", "planned", AT, None, is_planned=True, ranges=9, proven=3
)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_the_next_step_follows_from_the_database() -> None:
    assert next_step(replace(READING, is_planned=False)) is Step.PLAN
    assert next_step(READING) is Step.READ
    assert next_step(replace(READING, proven=9)) is Step.LOAD
    assert next_step(replace(READING, state="partial")) is Step.LOAD, "it was interrupted"


def test_it_is_due_from_its_moment_on_and_not_while_it_waits_for_a_quota() -> None:
    assert not is_due(replace(READING, starts_at=None), AT)
    assert not is_due(READING, later(-1))
    assert is_due(READING, AT)
    assert not is_due(replace(READING, waits_until=later(60)), later(59))
    assert is_due(replace(READING, waits_until=later(60)), later(60))


def test_a_step_without_progress_is_tried_again_later_and_later_and_then_left_to_a_user() -> None:
    last = launch(READING, None, AT)
    assert last == Launched(Step.READ, 3, AT, 1)
    now, waits = 0.0, []
    while last is not None and last.tries < MOST_TRIES:
        wait = RETRY_S * 2 ** (last.tries - 1)
        assert launch(READING, last, later(now + wait - 1)) is None
        waits.append(wait)
        now += wait
        last = launch(READING, last, later(now))
    assert waits == [900, 1800, 3600]
    assert launch(READING, last, later(1_000_000)) is None


def test_progress_a_new_moment_and_a_quota_reset_the_tries() -> None:
    spent = Launched(Step.READ, 3, AT, MOST_TRIES)
    for one in (
        replace(READING, proven=4),
        replace(READING, proven=9),
        replace(READING, starts_at=later(10)),
        replace(READING, waits_until=later(10)),
    ):
        again = launch(one, spent, later(20))
        assert again is not None
        assert again.tries == 1


def _range(stream: str, n: int, state: str = "open") -> RangeState:
    return RangeState(stream, f"{n:04}", None, None, state, None, None, None, 0, None)


def test_a_run_reads_neighbours_of_one_object_at_most_ten() -> None:
    ranges = [
        *(_range("accounts", n) for n in (1, 2)),
        _range("leads", 1),
        _range("leads", 2, "proven"),
        _range("leads", 3, "short"),
        *(_range("leads", n, "failed") for n in range(4, 16)),
    ]
    runs = [(run[0].stream, run[0].key, run[-1].key) for run in runs_of_ranges(ranges)]
    assert runs == [
        ("accounts", "0001", "0002"),
        ("leads", "0001", "0001"),
        ("leads", "0004", "0013"),
        ("leads", "0014", "0015"),
    ]
