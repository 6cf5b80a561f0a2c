"""No sequence turns a no into a yes, but a confirmed double opt-in and an audited correction.

Named: each break that was seen. And a property: random vendors, crashes and actions, watched at every
step: an address whose state was a no has another one only where one of the two ways leads there.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from hub.actions.identity import consent, consent_changes
from hub.actions.identity.consent import About, Grounds
from hub.errors import ActionError, ConfigError, TransientError
from hub.etl import flow, reprocess
from hub.mappings.loader import load_all
from hub.model.consent import ConsentEvent, ConsentState, Voice, resolve
from hub.views.consents import PersonConsent
from tests.acting import acting
from tests.flow.conftest import World, hubspot_contact, mailchimp_member, salesforce_lead
from tests.flow.test_reprocess import _changed
from tests.plays.moves import play_of
from tests.plays.stage import WHO, Stage

LEA = "lea@moreau.example.com"
SECOND = "lea.private@moreau.example.com"
GROUNDS = Grounds("kept by mistake", "a letter of 3 May")


def member(status: str, *, at: int, name: str = "c1", email: str = LEA, **more: Any) -> Any:
    return mailchimp_member(
        name, at=at, status=status, email_address=email,
        merge_fields={"FNAME": "Lea", "LNAME": "Moreau"},
        last_changed=f"2026-01-01T00:{at:02d}:00Z", **more,
    )  # fmt: skip


def synced(world: World, source: str, stream: str, *records: Any) -> None:
    world.add(source, stream, *records)
    flow.sync(world.hub, [source])


def state(world: World, address: str = LEA, channel: str = "email") -> str | None:
    rows = world.rows(
        "SELECT state FROM reporting.consents WHERE address = :a AND channel = :c "
        "AND purpose = 'marketing'", a=address, c=channel,
    )  # fmt: skip
    return rows[0].state if rows else None


def lead(world: World, source: str = "salesforce") -> str:
    (row,) = world.rows(
        "SELECT l.id FROM crm.lead l JOIN ops.source_record s USING (entity_id) "
        "WHERE s.source = :s AND s.target = 'person'", s=source,
    )  # fmt: skip
    return f"lead/{row.id}"


@pytest.fixture
def double_opt_in(world: World) -> World:
    """The list of the members asks for a confirmation."""
    stage = Stage(world)
    assert stage.vendors.world is world
    return world


# --- the two ways


def test_a_confirmed_double_opt_in_lifts_an_older_no(double_opt_in: World) -> None:
    world = double_opt_in
    synced(world, "mailchimp", "members", member("unsubscribed", at=1))
    assert state(world) == "opt_out"
    back = member("subscribed", at=3, timestamp_opt="2026-01-01T00:03:00+00:00")
    synced(world, "mailchimp", "members", back)
    assert state(world) == "opt_in"
    synced(world, "mailchimp", "members", member("unsubscribed", at=5))
    assert state(world) == "opt_out"


def test_a_list_without_double_opt_in_lifts_none(world: World) -> None:
    synced(world, "mailchimp", "members", member("unsubscribed", at=1))
    back = member("subscribed", at=3, timestamp_opt="2026-01-01T00:03:00+00:00")
    synced(world, "mailchimp", "members", back)
    assert state(world) == "opt_out"


def test_an_older_confirmation_lifts_no_newer_no(double_opt_in: World) -> None:
    world = double_opt_in
    synced(world, "salesforce", "leads",
           salesforce_lead(1, at=600, LastName="Moreau", Email=LEA, HasOptedOutOfEmail=True))  # fmt: skip
    old = member("subscribed", at=3, timestamp_opt="2026-01-01T00:03:00+00:00")
    synced(world, "mailchimp", "members", old)
    assert state(world) == "opt_out"


def test_reading_the_same_no_again_is_no_newer_no(double_opt_in: World) -> None:
    world = double_opt_in
    said = {"LastName": "Moreau", "Email": LEA, "HasOptedOutOfEmail": True}
    synced(world, "salesforce", "leads", salesforce_lead(1, at=10, **said))
    yes = member("subscribed", at=3, timestamp_opt="2026-01-01T00:03:00+00:00")
    synced(world, "mailchimp", "members", yes)
    assert state(world) == "opt_in"
    synced(world, "salesforce", "leads", salesforce_lead(1, at=900, City="Oslo", **said))
    assert state(world) == "opt_in"
    synced(world, "salesforce", "leads",
           salesforce_lead(1, at=910, **{**said, "HasOptedOutOfEmail": False}))  # fmt: skip
    synced(world, "salesforce", "leads", salesforce_lead(1, at=920, **said))
    assert state(world) == "opt_out", "it was said anew"


def test_a_correction_lifts_a_no_and_is_kept_with_its_grounds(world: World) -> None:
    synced(world, "mailchimp", "members", member("unsubscribed", at=1))
    with world.db.engine.begin() as conn:
        done = consent.correct(acting(WHO)(conn), [About(LEA, "email", "marketing")], GROUNDS)
    assert done.corrected
    assert state(world) == "opt_in"
    (row,) = world.rows("SELECT who, reason, proof FROM ops.consent_event WHERE is_correction")
    assert tuple(row) == (WHO, GROUNDS.reason, GROUNDS.proof)
    synced(world, "mailchimp", "members", member("unsubscribed", at=9, vip=True))
    assert state(world) == "opt_in", "the same no, read again"
    with world.db.engine.begin() as conn, pytest.raises(ActionError, match="no opt-out"):
        consent.correct(acting(WHO)(conn), [About(LEA, "email", "marketing")], GROUNDS)


def test_a_no_that_the_person_gave_by_a_link_is_not_corrected(world: World) -> None:
    left = member("unsubscribed", at=1, unsubscribe_reason="No longer interested")
    synced(world, "mailchimp", "members", left)
    with world.db.engine.begin() as conn, pytest.raises(ActionError, match="through a link"):
        consent.correct(acting(WHO)(conn), [About(LEA, "email", "marketing")], GROUNDS)
    assert state(world) == "opt_out"


def test_a_batch_is_corrected_at_once(world: World) -> None:
    world.add("mailchimp", "members", member("unsubscribed", at=1))
    world.add("mailchimp", "members", member(
        "unsubscribed", at=2, name="c2", email="eva@roth.example.com", unsubscribe_reason="Too many"))  # fmt: skip
    flow.sync(world.hub, ["mailchimp"])
    (batch,) = world.rows("SELECT max(id) AS id FROM ops.batch WHERE source = 'mailchimp'")
    with world.db.engine.begin() as conn:
        done = consent.correct_batch(acting(WHO)(conn), batch.id, GROUNDS)
    assert [one.address for one in done.corrected] == [LEA]
    assert [one.address for one in done.refused] == ["eva@roth.example.com"]


@pytest.mark.parametrize("grounds", [Grounds("", "p"), Grounds("r", " ")])
def test_a_correction_needs_a_reason_and_a_proof(world: World, grounds: Grounds) -> None:
    with world.db.engine.begin() as conn, pytest.raises(ActionError, match="needs a"):
        consent.correct(acting(WHO)(conn), [About(LEA, "email", "marketing")], grounds)


# --- each break that was seen


def test_an_error_of_another_vendor_between_land_and_load_loses_no_no(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("mailchimp", "members", member("unsubscribed", at=1))

    def broken(*_args: object) -> Any:
        raise TransientError("hubspot is down")

    monkeypatch.setattr(world.vendors["hubspot"], "read", broken)
    flow.sync(world.hub, ["hubspot", "mailchimp"])
    synced(world, "mailchimp", "members", member("subscribed", at=2))
    assert state(world) == "opt_out"


@pytest.mark.parametrize("order", list(permutations(("hubspot", "mailchimp", "salesforce"))))
def test_the_order_of_the_sources_does_not_matter(world: World, order: Sequence[str]) -> None:
    world.add("mailchimp", "members", member("subscribed", at=1))
    world.add(
        "hubspot", "contacts", hubspot_contact(1, firstname="Lea", lastname="Moreau", email=LEA)
    )
    world.add("salesforce", "leads", salesforce_lead(
        1, FirstName="Lea", LastName="Moreau", Email=LEA, HasOptedOutOfEmail=True))  # fmt: skip
    for source in order:
        flow.sync(world.hub, [source])
    assert state(world) == "opt_out"


def test_a_remap_that_would_lift_a_no_names_the_address_and_needs_acceptance(
    world: World, tmp_path: Path
) -> None:
    said = {"LastName": "Moreau", "Email": LEA, "HasOptedOutOfEmail": True}
    synced(world, "salesforce", "leads", salesforce_lead(1, at=10, **said))
    world.add(
        "salesforce", "leads", salesforce_lead(1, at=20, **{**said, "HasOptedOutOfEmail": False})
    )
    flow.sync(world.hub, ["salesforce"])
    synced(world, "mailchimp", "members", member("subscribed", at=1))
    folder = _changed(tmp_path / "m", "path: HasOptedOutOfEmail", "path: Nothing__c")
    blind = replace(world.hub, mappings=load_all(folder))
    with pytest.raises(ConfigError, match=LEA) as told:
        reprocess.remap(blind, "salesforce", "leads")
    assert "--accept-consent" in str(told.value.hint)
    assert state(world) == "opt_out"
    # whatever else maps the versions again leaves the no where it is
    flow.sync(blind, ["salesforce"], full=True)
    assert state(world) == "opt_out"
    reprocess.remap(blind, "salesforce", "leads", accept_consent=True, who="ann")
    assert state(world) == "opt_in"
    reprocess.remap(world.hub, "salesforce", "leads")
    assert state(world) == "opt_out", "the mapping reads it again"


def test_what_is_derived_again_in_the_background_holds_a_no(world: World, tmp_path: Path) -> None:
    from hub.etl.rederive import rederive

    said = {"LastName": "Moreau", "Email": LEA, "HasOptedOutOfEmail": True}
    synced(world, "salesforce", "leads", salesforce_lead(1, at=10, **said))
    folder = _changed(tmp_path / "m", "path: HasOptedOutOfEmail", "path: Nothing__c")
    blind = replace(world.hub, mappings=load_all(folder))
    assert not rederive(blind).left
    assert state(world) == "opt_out"
    with world.db.engine.begin() as conn:
        (held,) = consent_changes.held(acting(WHO)(conn))
    assert held.address == LEA
    with world.db.engine.begin() as conn:
        consent_changes.held(acting(WHO)(conn), accept=True)
    assert state(world) is None


def test_an_older_version_is_read_again_too(world: World, tmp_path: Path) -> None:
    """A mapping that reads a no better reads it in the versions of before, of gone objects too."""
    first = hubspot_contact(1, at=1, lastname="Moreau", email=LEA, our_flag="true")
    synced(world, "hubspot", "contacts", first)
    synced(world, "hubspot", "contacts", hubspot_contact(1, at=9, lastname="Moreau", email=LEA))
    own = tmp_path / "hubspot" / "contacts.yaml"
    own.parent.mkdir()
    shipped = world.hub.mappings["hubspot/contacts"]
    assert shipped
    from importlib.resources import files

    text = (files("hub.mappings") / "hubspot" / "contacts.yaml").read_text()
    own.write_text(text.replace("path: properties.hs_email_optout,", "path: properties.our_flag,"))
    keen = replace(world.hub, mappings=load_all(tmp_path))
    reprocess.remap(keen, "hubspot", "contacts")
    assert state(world) == "opt_out"


# --- from a person to her addresses


def two_addresses(world: World, **more: Any) -> None:
    phone = "+33639980001"
    world.add("salesforce", "leads", salesforce_lead(
        1, FirstName="Lea", LastName="Moreau", Email=LEA, Phone=phone, **more))  # fmt: skip
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email=SECOND, phone=phone))  # fmt: skip
    flow.sync(world.hub, ["hubspot", "salesforce"])
    assert len(world.rows("SELECT 1 FROM ops.entity WHERE merged_into IS NULL")) == 1


def test_a_no_of_the_person_reaches_her_other_address_and_one_she_gets_later(world: World) -> None:
    two_addresses(world, HasOptedOutOfEmail=True)
    assert (state(world), state(world, SECOND)) == ("opt_out", "opt_out")
    later = hubspot_contact(
        1, at=900, firstname="Lea", lastname="Moreau", email="new@moreau.example.com",
        phone="+33639980001",
    )  # fmt: skip
    synced(world, "hubspot", "contacts", later)
    assert state(world, "new@moreau.example.com") == "opt_out"
    assert state(world, SECOND) == "opt_out", "a former address keeps its state"
    with world.db.engine.begin() as conn:
        shown = consent.show(
            acting(WHO)(conn), lead(world), region="FR", home=world.hub.settings.home
        )
    assert isinstance(shown, PersonConsent)
    assert SECOND not in {one.address for one in shown.addresses}


def test_a_word_to_a_rep_is_a_no_of_the_person(world: World) -> None:
    two_addresses(world)
    with world.db.engine.begin() as conn:
        consent.refuse(acting(WHO)(conn), lead(world), channel="email", reason="on the phone")
    assert (state(world), state(world, SECOND)) == ("opt_out", "opt_out")


def test_a_no_of_one_address_and_a_yes_reach_no_other(world: World) -> None:
    two_addresses(world)
    synced(world, "mailchimp", "members", member("unsubscribed", at=1))
    synced(world, "mailchimp", "members", member("subscribed", at=2, name="c2", email=SECOND))
    assert (state(world), state(world, SECOND)) == ("opt_out", "opt_in")


def test_a_role_address_and_a_shared_number_keep_their_own_state(world: World) -> None:
    both = "+33639980009"
    world.add("salesforce", "leads", salesforce_lead(
        1, FirstName="Lea", LastName="Moreau", Email=LEA, MobilePhone="+33639980001",
        HasOptedOutOfEmail=True, DoNotCall=True))  # fmt: skip
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="info@moreau.example.com", phone=both,
        mobilephone="+33639980001"))  # fmt: skip
    world.add("hubspot", "contacts", hubspot_contact(
        2, firstname="Otto", lastname="Brandt", email="otto@brandt.example.com", phone=both))  # fmt: skip
    flow.sync(world.hub, ["hubspot", "salesforce"])
    assert state(world, "info@moreau.example.com") is None
    assert state(world, both, "phone") is None
    assert state(world, "+33639980001", "phone") == "opt_out"


# --- the property


@pytest.mark.parametrize("seed", range(6))
def test_no_play_turns_a_no_into_a_yes(world: World, seed: int) -> None:
    """Every state is watched: after each step of a play, a crash in the middle of a sync included."""
    stage, noes = Stage(world), set[tuple[str, str, str]]()
    for step in play_of(8000 + seed, with_broken=True, length=14):
        verb, *arguments = step
        getattr(stage, f"do_{verb}")(*arguments)
        seen = {
            (r.address, r.channel, r.purpose): r
            for r in world.rows("SELECT * FROM reporting.consents")
        }
        for about in noes:
            now = seen[about]
            assert now.state != "opt_in" or _is_a_way(world, about), (step, about)
        noes |= {about for about, row in seen.items() if row.state == "opt_out"}


def _is_a_way(world: World, about: tuple[str, str, str]) -> bool:
    return bool(world.rows(
        "SELECT 1 FROM ops.consent_event WHERE (address, channel, purpose) = (:a, :c, :p) "
        "AND (is_confirmed OR is_correction)", a=about[0], c=about[1], p=about[2],
    ))  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_the_view_and_the_law_say_the_same(world: World, seed: int) -> None:
    """`reporting.consents` against `hub.model.consent`, over random events."""
    rng = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = []
    with world.db.engine.begin() as conn:
        for _ in range(250):
            event = ConsentEvent(
                rng.choice(("email", "phone")),
                rng.choice(("marketing", "marketing:x/1", "terms")),
                rng.choice([f"a{n}@x.example.com" for n in range(12)]),
                rng.choice(list(ConsentState)),
                start + timedelta(days=rng.randrange(6)),
                rng.choice(list(Voice)),
                rng.random() < 0.3,
                rng.random() < 0.2,
            )
            events.append(event)
            conn.exec_driver_sql(
                "INSERT INTO ops.consent_event (source, address, channel, purpose, state, at, voice, "
                "is_confirmed, is_correction) VALUES ('hub', %s, %s, %s, %s, %s, %s, %s, %s)",
                (event.subject, event.channel, event.purpose, event.state.value, event.at,
                 event.voice.value, event.is_confirmed_double_opt_in, event.is_correction),
            )  # fmt: skip
    found = {
        (r.address, r.channel, r.purpose): r.state
        for r in world.rows("SELECT * FROM reporting.consents")
    }
    wanted = {}
    for address in {e.subject for e in events}:
        for key, one in resolve(e for e in events if e.subject == address).items():
            wanted[address, *key] = one.value
    assert found == wanted
