"""Consent comes from every source, follows the person, and survives what its source forgets."""

from hub.etl import flow
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.records.consent_events import consents_of
from tests.flow.conftest import World, hubspot_contact, mailchimp_member

NAME = {"FNAME": "Lea", "LNAME": "Moreau"}
EMAIL = "lea@moreau.example.com"
KEY = ("email", "marketing")


def consents(world: World) -> list[dict[tuple[str, str], str]]:
    """The consents of all people who were not merged into another person."""
    alive = world.rows("SELECT id FROM ops.entity WHERE merged_into IS NULL ORDER BY id")
    with world.db.engine.begin() as conn:
        return [{k: s.value for k, s in consents_of(conn, row.id).items()} for row in alive]


def member(status: str, *, at: int, email: str = EMAIL) -> RawRecord:
    return mailchimp_member(
        "c1", at=at, status=status, email_address=email, merge_fields=NAME,
        last_changed=f"2025-01-{at:02d}T00:00:00Z",
    )  # fmt: skip


def test_a_list_that_subscribes_again_does_not_lift_an_opt_out(world: World) -> None:
    for at, status in enumerate(("subscribed", "unsubscribed", "subscribed"), start=1):
        world.add("mailchimp", "members", member(status, at=at))
        flow.sync(world.hub, ["mailchimp"])
    assert consents(world) == [{KEY: "opt_out"}]


def test_an_opt_out_said_again_is_as_new_as_its_last_time(world: World) -> None:
    for at, status in enumerate(("unsubscribed", "subscribed", "unsubscribed"), start=1):
        world.add("mailchimp", "members", member(status, at=at))
        flow.sync(world.hub, ["mailchimp"])
    assert [row.at.second for row in world.rows("SELECT at FROM reporting.consents")] == [3]


def test_a_merge_takes_the_stricter_even_of_a_record_that_is_gone(world: World) -> None:
    opted_out = {"lastname": "Moreau", "firstname": "Lea", "hs_email_optout": "true"}
    world.add("hubspot", "contacts", hubspot_contact(1, at=1, **opted_out, phone="+33639980001"))
    world.add("mailchimp", "members", member("subscribed", at=1))
    flow.sync(world.hub, ["hubspot", "mailchimp"])
    assert sorted(c[KEY] for c in consents(world)) == ["opt_in", "opt_out"]
    known = hubspot_contact(1, at=20, **opted_out, phone="+33639980001", email=EMAIL)
    world.add("hubspot", "contacts", known)
    flow.sync(world.hub, ["hubspot"])
    assert consents(world) == [{KEY: "opt_out"}]
    world.add("hubspot", "contacts", hubspot_contact(1, at=40, op=Op.DELETE))
    flow.sync(world.hub, ["hubspot"])
    assert all(c.get(KEY) != "opt_in" for c in consents(world))


def member_seen(world: World, *states: dict[str, object]) -> list[dict[tuple[str, str], str]]:
    """Sync one member's states one after the other and return what may be sent."""
    for at, state in enumerate(states, start=1):
        status = str(state.pop("status", "subscribed"))
        row = mailchimp_member(
            "c1", at=at, status=status, email_address=EMAIL, merge_fields=NAME,
            last_changed=f"2025-01-{at:02d}T00:00:00Z", **state,
        )  # fmt: skip
        world.add("mailchimp", "members", row)
        flow.sync(world.hub, ["mailchimp"])
    return consents(world)


def test_archived_between_two_syncs_ends_an_opt_in(world: World) -> None:
    assert member_seen(world, {"status": "subscribed"}) == [{KEY: "opt_in"}]
    world.add("mailchimp", "members", member("unsubscribed", at=2))  # never read
    world.add("mailchimp", "members", member("archived", at=3))
    flow.sync(world.hub, ["mailchimp"])
    assert [c.get(KEY) for c in consents(world)] != ["opt_in"]


def test_only_the_archived_state_is_seen_and_no_opt_in_stands(world: World) -> None:
    assert member_seen(world, {"status": "subscribed"}, {"status": "archived"}) == [{}]


def test_archiving_lifts_no_opt_out_and_neither_does_coming_back(world: World) -> None:
    states = ("subscribed", "unsubscribed", "archived")
    assert member_seen(world, *({"status": one} for one in states)) == [{KEY: "opt_out"}]
    world.add("mailchimp", "members", member("subscribed", at=9))
    flow.sync(world.hub, ["mailchimp"])
    assert consents(world) == [{KEY: "opt_out"}]


def test_who_comes_back_from_the_archive_says_yes_again(world: World) -> None:
    states = ("subscribed", "archived", "subscribed")
    assert member_seen(world, *({"status": one} for one in states)) == [{KEY: "opt_in"}]


def test_a_yes_ends_with_the_version_that_no_longer_says_it(world: World) -> None:
    refused = [{"text": "Email", "enabled": False}]
    seen = member_seen(world, {}, {"marketing_permissions": refused})
    assert seen == [{("email", "marketing:mailchimp/Email"): "opt_out"}]


def test_transactional_and_cleaned_are_no_marketing_consent(world: World) -> None:
    assert member_seen(world, {}, {"status": "transactional"}) == [{}]
    assert member_seen(world, {}, {"status": "cleaned"}) == [{}]


def test_sms_is_another_channel(world: World) -> None:
    sms = {"sms_phone_number": "+33639980001", "sms_subscription_status": "unsubscribed"}
    assert member_seen(world, sms) == [{KEY: "opt_in", ("sms", "marketing"): "opt_out"}]


def test_a_type_of_mail_refused_leaves_marketing_unknown(world: World) -> None:
    contact = hubspot_contact(1, at=1, lastname="Partial", hs_email_optout_7654321="true")
    world.add("hubspot", "contacts", contact)
    flow.sync(world.hub, ["hubspot"])
    assert consents(world) == [{("email", "marketing:hubspot/7654321"): "opt_out"}]
