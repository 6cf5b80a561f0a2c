"""While the demo stays up, every source is seen at work, in turn."""

from itertools import islice

from hub.cli.demo_live import events_in_turn
from hub.sandbox.generator import FIXED_NOW, generate
from hub.sandbox.live import WEIGHTS


def test_every_source_has_its_turn_and_a_member_stands_out() -> None:
    events = list(islice(events_in_turn(2, generate(1, 40, now=FIXED_NOW)), 25))
    assert [event["source"] for event in events] == sorted(WEIGHTS) * 5
    assert len(WEIGHTS) == 5
    members = [e for e in events if e["source"] == "mailchimp"]
    assert all(event["values"]["member_rating"] >= 4 for event in members)


def test_a_universe_without_users_has_live_events_of_the_other_sources() -> None:
    sources = {event["source"] for event in islice(events_in_turn(2, {"version": 1}), 8)}
    assert sources == set(WEIGHTS) - {"salesforce"}
