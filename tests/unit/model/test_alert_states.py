"""An alert is written once for each change of state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub.model.alert_states import AGAIN_AFTER, AlertState, Cause, Change, News, Standing, change

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HIDDEN = Cause("hidden salesforce/leads", "salesforce/leads: the source counted 3, handed out 2")
DOWN = Cause("failed salesforce", "salesforce: the vendor is away")


def walk(*steps: tuple[timedelta, list[Cause]]) -> list[Change]:
    """Return the changes after reads, each at a time after the start."""
    state, done = AlertState("salesforce", Standing.OK, START), []
    for after, causes in steps:
        done.append(change(state, causes, START + after))
        state = done[-1].state
    return done


def test_a_source_that_works_and_goes_on_working_is_not_reported() -> None:
    assert [one.news for one in walk((HOUR, []), (2 * HOUR, []))] == [None, None]


def test_a_failure_and_its_end_are_reported_once_each() -> None:
    other_numbers = replace(HIDDEN, sentence="salesforce/leads: the source counted 4")
    done = walk(
        (HOUR, [HIDDEN]), (2 * HOUR, [other_numbers]), (90 * HOUR, [HIDDEN]), (99 * HOUR, []),
        (100 * HOUR, []), (101 * HOUR, [HIDDEN]),
    )  # fmt: skip
    assert [one.news for one in done] == [
        News.FAILED, None, None, News.RECOVERED, None, News.FAILED,
    ]  # fmt: skip
    assert done[3].failed_since == START + HOUR
    assert done[5].state.since == done[5].failed_since == START + 101 * HOUR
    assert [one.state.told_n for one in done] == [1, 1, 1, 2, 2, 3], "each alert has a number"


def test_another_reason_is_reported_a_day_later_at_the_earliest() -> None:
    done = walk(
        (HOUR, [HIDDEN]), (2 * HOUR, [DOWN]), (3 * HOUR, [HIDDEN]), (HOUR + AGAIN_AFTER, [DOWN]),
        (2 * HOUR + AGAIN_AFTER, [DOWN]), (3 * HOUR + AGAIN_AFTER, []),
    )  # fmt: skip
    assert [one.news for one in done] == [
        News.FAILED, None, None, News.OTHER_REASON, None, News.RECOVERED,
    ]  # fmt: skip
    assert {one.failed_since for one in done if one.news} == {START + HOUR}


def test_a_reason_that_is_over_beside_one_that_stays_is_no_other_reason() -> None:
    done = walk((HOUR, [HIDDEN, DOWN]), (99 * HOUR, [DOWN]))
    assert done[1].news is None


def test_the_sentence_of_an_unclosed_run_goes_with_the_next_read() -> None:
    ok = AlertState("salesforce", Standing.OK, START)
    lost = change(ok, [Cause("lost run", "killed")], START, unclosed="killed").state
    assert lost.unclosed == "killed"
    assert change(lost, [HIDDEN], START + HOUR).state.unclosed is None
    assert change(lost, [], START + HOUR).state == replace(
        ok, since=START + HOUR, told_at=START + HOUR, told_n=2
    )
