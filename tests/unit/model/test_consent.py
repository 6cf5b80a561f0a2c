"""An opt-out stays an opt-out, in any order of events and merges."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.consent import (
    ConsentEvent,
    ConsentState,
    Voice,
    merge,
    resolve,
    state_named,
    state_of,
    stricter,
)

KEY = ("email", "marketing")
NOES = [state for state in ConsentState if state.is_no]
states = st.sampled_from(ConsentState)
times = st.none() | st.integers(0, 20).map(
    lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n)
)
events = st.builds(
    ConsentEvent,
    channel=st.sampled_from(["email", "phone"]),
    purpose=st.sampled_from(["", "marketing"]),
    subject=st.sampled_from(["a@x.example", "b@x.example"]),
    state=states,
    at=times,
    voice=st.sampled_from(Voice),
    is_confirmed_double_opt_in=st.booleans(),
)
by_machines = events.filter(lambda e: e.voice is not Voice.PERSON)


def said(
    state: str, day: int | None = 1, *, subject: str = "a", confirmed: bool = False
) -> ConsentEvent:
    at = None if day is None else datetime(2026, 1, day, tzinfo=UTC)
    voice = Voice.PERSON if confirmed else Voice.SYNC
    return ConsentEvent(*KEY, subject, ConsentState(state), at, voice, confirmed)


@pytest.mark.parametrize("no", NOES)
@pytest.mark.parametrize(
    ("no_on", "yes_on", "confirmed", "wins"),
    [
        (1, 9, False, True),
        (9, 1, False, True),
        (1, 9, True, False),
        (9, 1, True, True),
        (9, 9, True, True),
        (None, 9, True, True),
        (1, None, True, True),
    ],
)
def test_only_a_newer_confirmation_lifts_a_no(
    no: str, no_on: int | None, yes_on: int | None, *, confirmed: bool, wins: bool
) -> None:
    found = resolve([said(no, no_on), said("opt_in", yes_on, confirmed=confirmed)])
    assert found == {KEY: no if wins else "opt_in"}


def test_a_confirmation_speaks_for_its_own_address() -> None:
    found = resolve(
        [said("opt_out", 1, subject="a"), said("opt_in", 9, subject="b", confirmed=True)]
    )
    assert found == {KEY: "opt_out"}


def test_a_confirmation_by_a_form_or_an_import_is_none() -> None:
    for voice in (Voice.FORM, Voice.SYNC, Voice.IMPORT):
        claimed = replace(said("opt_in", 9, confirmed=True), voice=voice)
        assert resolve([said("opt_out", 1), claimed]) == {KEY: "opt_out"}


def test_what_is_known_beats_what_is_not_and_a_strange_word_is_no_permission() -> None:
    assert resolve([said("unknown"), said("opt_in")]) == {KEY: "opt_in"}
    assert resolve([said("unknown"), said("unconfirmed")]) == {KEY: "unconfirmed"}
    assert state_named("no_marketing") is ConsentState.OPT_OUT
    assert resolve([]) == {}


@given(
    st.lists(events, max_size=12).flatmap(lambda es: st.tuples(st.just(es), st.permutations(es)))
)
def test_the_order_and_repetition_of_events_do_not_matter(
    both: tuple[list[ConsentEvent], list[ConsentEvent]],
) -> None:
    original, shuffled = both
    assert resolve(original) == resolve(shuffled) == resolve(shuffled + original)


@given(st.lists(events, max_size=12), st.lists(by_machines, max_size=12))
def test_nothing_a_machine_says_lifts_a_no(
    before: Sequence[ConsentEvent], more: Sequence[ConsentEvent]
) -> None:
    after = resolve([*before, *more])
    for key, state in resolve(before).items():
        assert stricter(state, after[key]) == after[key]


@given(st.lists(st.lists(events, max_size=6), min_size=1, max_size=5), st.randoms())
def test_no_sequence_of_merges_lifts_a_no(people: list[list[ConsentEvent]], chance: object) -> None:
    resolved = [
        resolve(replace(e, subject=f"{n} {e.subject}") for e in said_of)
        for n, said_of in enumerate(people)
    ]
    whole = resolve(
        replace(e, subject=f"{n} {e.subject}") for n, said_of in enumerate(people) for e in said_of
    )
    left = list(resolved)
    chance.shuffle(left)  # type: ignore[attr-defined]
    while len(left) > 1:
        left.append(merge(left.pop(), left.pop(0)))
    assert left[0] == whole, "merged states are the states of the merged"
    for one in resolved:
        assert all(not state.is_no or whole[key].is_no for key, state in one.items())


@given(states, states, states)
def test_stricter_is_a_maximum(a: ConsentState, b: ConsentState, c: ConsentState) -> None:
    assert stricter(a, b) == stricter(b, a)
    assert stricter(a, stricter(b, c)) == stricter(stricter(a, b), c)
    assert stricter(a, a) == a


NARROW = ("email", "marketing:hubspot/77")


def of(purpose: str, state: ConsentState) -> ConsentEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ConsentEvent("email", purpose, "a@x.example", state, at)


@pytest.mark.parametrize("no", NOES)
def test_a_no_to_marketing_covers_the_narrower_purposes(no: ConsentState) -> None:
    found = resolve([of("marketing", no), of(NARROW[1], ConsentState.OPT_IN)])
    assert found[NARROW].is_no
    assert state_of(found, "email", "marketing:mailchimp/never heard of").is_no
    assert state_of(found, "phone", NARROW[1]) is ConsentState.UNKNOWN


def test_a_narrower_purpose_says_nothing_of_marketing() -> None:
    for state in (ConsentState.OPT_IN, ConsentState.OPT_OUT):
        found = resolve([of(NARROW[1], state)])
        assert found == {NARROW: state}
        assert state_of(found, *KEY) is ConsentState.UNKNOWN


def test_a_yes_to_marketing_lifts_no_narrower_no() -> None:
    found = resolve([of("marketing", ConsentState.OPT_IN), of(NARROW[1], ConsentState.OPT_OUT)])
    assert found == {KEY: ConsentState.OPT_IN, NARROW: ConsentState.OPT_OUT}
    assert state_of(found, "email", "marketing:other/1") is ConsentState.UNKNOWN


def test_terms_that_were_accepted_permit_no_message() -> None:
    found = resolve([of("terms", ConsentState.ACCEPTED)])
    assert found == {("email", "terms"): ConsentState.ACCEPTED}
    assert state_of(found, *KEY) is ConsentState.UNKNOWN
    assert not ConsentState.ACCEPTED.is_no
