"""Attempts come less and less often, spread a little, and as late as the receiver asks."""

from hypothesis import given
from hypothesis import strategies as st

from hub.model.hook_pauses import again_s, alone_s

DAY = 86_400.0


@given(st.text(max_size=40), st.integers(min_value=0, max_value=100))
def test_a_pause_is_the_same_each_time_and_grows_to_some_hours(event: str, attempts: int) -> None:
    pause = again_s(event, attempts)
    assert pause == again_s(event, attempts)
    assert 4.4 < pause < 9 * 3_600
    assert again_s(event, attempts + 2) >= pause * 0.8


def test_an_hour_of_failures_costs_few_requests() -> None:
    waited, attempts = 0.0, 1
    while waited < 3_600:
        waited += again_s("evt_1", attempts)
        attempts += 1
    assert 5 <= attempts <= 8


@given(st.floats(min_value=0, max_value=10 * DAY), st.integers(min_value=0, max_value=1_000))
def test_a_receiver_that_asks_to_wait_is_left_alone_for_a_day_at_most(asked: float, n: int) -> None:
    assert min(asked, DAY) <= again_s("evt_1", n, asked) <= max(DAY, 9 * 3_600)
    assert min(asked, DAY) <= alone_s(n, asked) <= DAY
    assert 1 <= alone_s(n) <= 60
