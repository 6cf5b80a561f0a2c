"""Restarts of processes: soon, later each time, five in ten minutes, PostgreSQL before all others."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cli.restarts import DELAYS_S, MOST, WINDOW_S, Decision, Watched, decide

NAMES = ("postgres", "web", "daemon")


def run(seen: Sequence[Mapping[str, bool]], step_s: float = 0.5) -> list[tuple[float, Decision]]:
    """Decide again and again, one look after the other."""
    watched: Mapping[str, Watched] = {}
    made = []
    for look, alive in enumerate(seen):
        decision = decide(watched, alive, look * step_s, foundation="postgres")
        watched = decision.watched
        made.append((look * step_s, decision))
        if decision.given_up:
            break
    return made


def test_a_process_that_ended_is_started_after_a_second_and_found_once() -> None:
    dead = {"postgres": True, "web": True, "daemon": False}
    made = run([dead] * 3)
    assert [dict(d.found) for _, d in made] == [{"daemon": 1.0}, {}, {}]
    assert [list(d.start) for _, d in made] == [[], [], ["daemon"]]


@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_each_restart_within_the_window_waits_longer(n: int) -> None:
    made = decide({"web": Watched(tuple(float(i) for i in range(n - 1)))}, {"web": False}, float(n))
    assert made.found == {"web": DELAYS_S[n - 1]}


def test_the_sixth_end_within_ten_minutes_is_the_last_and_starts_nothing_else() -> None:
    past = Watched(tuple(float(i) for i in range(MOST)))
    waits = Watched((0.0,), 1.0)
    made = decide({"web": past, "daemon": waits}, {"web": False, "daemon": False}, WINDOW_S - 1)
    assert (made.given_up, list(made.start)) == ("web", [])
    later = decide({"web": past}, {"web": False}, WINDOW_S + 0.5)
    assert later.given_up is None, "the first end is forgotten after ten minutes"


def test_nothing_is_started_before_postgresql_is_back() -> None:
    down, up = dict.fromkeys(NAMES, False), {"postgres": True, "web": False, "daemon": False}
    made = run([down] * 4 + [up] * 2)
    started = [(at, list(d.start)) for at, d in made if d.start]
    assert started[0] == (1.0, ["postgres"])
    assert started[-1] == (2.0, ["web", "daemon"])


_LOOKS = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, st.booleans())), max_size=200)


@given(_LOOKS, st.floats(0.5, 30))
def test_never_more_than_five_restarts_in_ten_minutes_and_none_of_what_runs(
    seen: Sequence[Mapping[str, bool]], step_s: float
) -> None:
    made = run(seen, step_s)
    for name in NAMES:
        # Restarts follow an end, by at most the longest delay or the time that PostgreSQL was down.
        ends = [at for at, d in made if name in d.found]
        for at in ends:
            assert sum(1 for other in ends if at - WINDOW_S < other <= at) <= MOST
        starts = [at for at, d in made if name in d.start]
        assert len(starts) <= len(ends)
    for (_, decision), alive in zip(made, seen, strict=False):
        assert not [name for name in decision.start if alive[name]]
        assert not (decision.given_up and alive[decision.given_up])
        if not alive["postgres"]:
            assert set(decision.start) <= {"postgres"}


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
def test_what_has_ended_is_started_within_the_longest_delay(dead: Sequence[str]) -> None:
    """Each that ended comes back at the latest with the foundation, whatever ended together."""
    alive = {name: name not in dead for name in NAMES}
    watched: Mapping[str, Watched] = {}
    now = 0.0
    while now <= 2 * DELAYS_S[0] and not all(alive.values()):
        made = decide(watched, alive, now, foundation="postgres")
        watched = made.watched
        alive.update(dict.fromkeys(made.start, True))
        now += 0.25
    assert all(alive.values())
