"""A lead by a form or with a token reaches an owner, and changes no known value."""

from datetime import timedelta
from typing import Any

from hub.etl import flow
from hub.gateway import form, lead
from hub.gateway.form import Sent, Submission
from hub.landing.inbox import Delivered
from hub.live.worker import run_until_empty
from tests.flow.conftest import START, World, hubspot_contact
from tests.lives import HandVendors, put

AT = START + timedelta(days=400)


def submitted(number: str, *, consent: bool = False, **values: str) -> Delivered:
    filled = {name: values.get(name, "") for name in form.FIELDS}
    sent = Sent("contact", "en", "News, please.", "0f0f", AT, number)
    return form.delivered(Submission(filled, consent, False), sent)


def posted(number: str, later_s: int = 0, **values: Any) -> Delivered:
    now = AT + timedelta(seconds=later_s)
    return lead.delivered(lead.Lead(**values), token=(1, "shop"), now=now, request_id=number)


def columns(world: World) -> list[Any]:
    found = world.rows(
        "SELECT email, first_name, phone, organization_name FROM crm.lead ORDER BY email"
    )
    return [tuple(row) for row in found]


def test_strangers_fill_blanks_and_change_nothing(world: World) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", phone="+33639980001",
        lifecyclestage="lead",
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    ((_, first, phone, _),) = before = columns(world)
    assert len(before) == 1
    told = len(world.rows("SELECT 1 FROM ops.outbox"))
    put(
        world.hub.engine,
        submitted("s1", email="lea@moreau.example.com", first_name="Lea", last_name="Moreau",
                  phone="+33199000002", company="Moreau SAS", message="Call me", consent=True),
        submitted("s2", email="zoe@corp.example.com", first_name="Zoe", last_name="Martin", consent=True),
        posted("r1", email="bo@corp.example.com", full_name="Bo Lund", reference="7"),
        posted("r2", email="lea@moreau.example.com", first_name="LEA", last_name="Moreau",
               phone="+33199000003"),
    )  # fmt: skip
    run_until_empty(world.hub, HandVendors(world.vendors))
    assert columns(world) == [
        ("bo@corp.example.com", "Bo", None, None),
        ("lea@moreau.example.com", first, phone, "Moreau SAS"),
        ("zoe@corp.example.com", "Zoe", None, None),
    ], "a blank is filled; what HubSpot says stays"
    assert len(world.rows("SELECT 1 FROM ops.assignment")) == 3
    assert len(world.rows("SELECT 1 FROM ops.outbox")) > told + 2, "her owner hears that she asked"
    asked = world.rows("SELECT channel, message FROM crm.inquiry ORDER BY channel, message")
    assert ("form", "Call me") in [tuple(row) for row in asked]
    said = world.rows("SELECT DISTINCT state, is_confirmed FROM ops.consent_event")
    assert [tuple(row) for row in said] == [("unconfirmed", False)], "a ticked box permits nothing"

    put(world.hub.engine, posted("r3", 9, email="bo@corp.example.com", full_name="Bo Lund", reference="7",
                                 phone="+33199000004"))  # fmt: skip
    run_until_empty(world.hub, HandVendors(world.vendors))
    assert columns(world)[0] == ("bo@corp.example.com", "Bo", "+33199000004", None), "its own lead"
    assert len(world.rows("SELECT 1 FROM ops.assignment")) == 3
