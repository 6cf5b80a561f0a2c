"""Numbers, spans and moments as a person reads them; what `hub status` says of little."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.cli.formatting import ago, bar, count, duration, moment
from hub.cli.status_tables import outbox_words, person_words, waiting_words

NOW = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-9_000, "0 s"), (0, "0 s"), (0.0001, "1 ms"), (1 / 6, "167 ms"), (0.9999, "1 s"),
        (1.4, "1 s"), (59, "59 s"), (60, "1 min"), (63, "1 min 3 s"), (150, "2 min"),
        (3_599, "59 min"), (3_600, "1 h"), (7_500, "2 h 5 min"), (36_000, "10 h"),
        (86_400, "1 d"), (100_800, "1 d 4 h"), (12 * 86_400 + 5, "12 d"),
    ],
)  # fmt: skip
def test_a_span_is_said_in_one_or_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_moment_has_no_fraction_and_is_utc() -> None:
    assert moment(NOW) == "2026-03-04 05:06:07"
    assert moment("2026-03-04T05:06:07.123456+02:00") == "2026-03-04 03:06:07"
    assert moment(None) == ""


def test_a_moment_ago_and_one_that_a_fast_clock_puts_ahead() -> None:
    assert ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert ago(NOW + timedelta(hours=1), NOW) == "now"
    assert ago(None, NOW) == ""


def test_a_bar_shows_little_and_never_more_than_all() -> None:
    assert bar(0, 100) == "░░░░░░░░░░   0 %"
    assert bar(1, 1_000) == "█░░░░░░░░░   0 %"
    assert bar(50, 100, plain=True) == "#####.....  50 %"
    assert bar(120, 100) == "██████████ 100 %"
    assert bar(1, 0) == "░░░░░░░░░░   0 %"
    assert count(15_000) == "15,000"


def test_what_is_empty_is_said_in_words() -> None:
    assert waiting_words({"normalize": 0, "match": 0, "load": 0, "route": 0}) == "queues drained"
    assert (
        waiting_words({"normalize": 1_200, "match": 0, "load": 3})
        == "1,200 to normalize, 3 to load"
    )
    assert outbox_words(0, 0) == "all sent"
    assert outbox_words(2, 1) == "2 to send, 1 failed"
    assert person_words(0, 0) == "nothing to decide"
    assert person_words(1, 2) == "1 value in quarantine, 2 questions in review"
