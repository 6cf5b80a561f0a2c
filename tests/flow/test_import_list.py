"""Lists of prospects: leads with a source, a legal basis and an owner; known people, customers and refusals make none."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.batches.migrate import Watch
from hub.actions.batches.migrate import run as migrate_run
from hub.actions.batches.undo import undo_batch
from hub.actions.setup import subscriptions
from hub.errors import ConfigError
from hub.etl import flow
from hub.migration import files, prospects
from hub.migration.prospects import CUSTOMER, EMPLOYEE, OPTED_OUT, Terms
from hub.model.hook_events import HookEventKind
from tests.acting import acting, by
from tests.flow.conftest import World, hubspot_contact, prepared
from tests.flow.selling import add_customers, add_deal, go
from tests.flow.test_undo import but_turns, crm

WHO = acting("operator")
TERMS = Terms("Fair Lyon", "legitimate interest").checked()
ROWS = (
    "First name;Last name;E-mail;Company;Phone;Opted out of email\n"
    "Ada;Berg;ada@berg.example;Berg AS;;\n"          # a prospect
    "Bea;Cole;bea@cole.example;Cole Ltd;;\n"         # refused e-mails before
    "Cid;Moreau;moreau@moreau.example.com;;;\n"      # a customer
    "Dan;Foss;dan@foss.example;Acme;;\n"             # works for a customer, by its name
    "Eve;Gray;eve@acme.example.com;;;\n"             # works for a customer, by its domain
    "Fay;Hill;fay@gmail.com;;;\n"                    # a mailbox of a provider
    "Gus;Ives;gus@ives.example;Ives;;yes\n"          # the list itself says no
    "Hal;Jost;hal@jost.example;Jost;;\n"             # the hub has this lead
    "Ian;Kerr;;Kerr;06 39 98 00 07;\n"               # refused calls, and has no e-mail
)  # fmt: skip


@prepared
def house(world: World) -> World:
    """A customer and its company, a lead, and two refusals."""
    moreau = add_customers(world, "Moreau")[0]
    deal = add_deal(world, moreau)
    go(world, deal, "Won")
    world.add("hubspot", "contacts", hubspot_contact(
        50, lifecyclestage="lead", firstname="Hal", lastname="Jost", email="hal@jost.example"))  # fmt: skip
    assert flow.sync(world.hub, ["hubspot"]).holds
    with world.db.engine.begin() as conn:
        company = conn.execute(text(
            "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) SELECT 'organisation', 0, max(id), 'bulk' "
            "FROM ops.batch RETURNING id")).scalar_one()  # fmt: skip
        conn.execute(text(
            "INSERT INTO crm.contact (entity_id, is_organization, organization_name, website, batch_id, "
            "customer_type, kept_by) SELECT :e, true, 'ACME', 'https://www.acme.example.com', max(id), "
            "'current', 'person' FROM ops.batch"), {"e": company})  # fmt: skip
    return world


def refuse(world: World) -> None:
    """Addresses that refused: by a lead that the hub had, and erased nothing."""
    with world.db.engine.begin() as conn:
        for address, channel in (("bea@cole.example", "email"), ("+33639980007", "phone")):
            conn.execute(text(
                "INSERT INTO ops.consent_event (source, address, channel, purpose, state, at, voice, "
                "said_of, who, is_timed) VALUES ('hub', :a, :c, 'marketing', 'opt_out', now(), 'team', "
                "'address', 'operator', true)"), {"a": address, "c": channel})  # fmt: skip


def loaded(world: World, path: Path, terms: Terms = TERMS) -> Any:
    listed = prospects.open_list(world.hub, path, None, terms)
    return migrate_run(files.with_files(world.hub, listed), WHO, listed.source, Watch())


def the_list(tmp_path: Path, rows: str = ROWS) -> Path:
    path = tmp_path / "prospects.csv"
    path.write_text(rows)
    return path


def verdicts(world: World) -> Counter[str]:
    return Counter(row.verdict for row in world.rows(
        "SELECT verdict FROM ops.verdict WHERE source = 'csv' "
        "AND batch_id = (SELECT max(id) FROM ops.batch WHERE source = 'csv' AND kind = 'migrate')"))  # fmt: skip


def test_prospects_become_owned_leads_and_the_others_make_none(
    house: World, tmp_path: Path
) -> None:
    refuse(house)
    with house.db.engine.begin() as conn:
        for event in HookEventKind:
            subscriptions.add(
                by(conn), "https://hooks.example.com/1", event, home=tmp_path, allowed=()
            )
    before = {row.id for row in house.rows("SELECT id FROM crm.lead")}
    alerts = house.rows("SELECT id FROM crm.alert WHERE event = 'lead_assigned'")
    path = the_list(tmp_path)
    listed = prospects.open_list(house.hub, path, None, TERMS)
    (stream,) = [one for one in listed.objects() if one.name == "leads"]
    assert listed.marks_n(stream, prospects.SUPPRESSED) == {OPTED_OUT: 3, CUSTOMER: 1, EMPLOYEE: 2}
    loaded(house, path)
    made = [row for row in house.rows("SELECT * FROM crm.lead ORDER BY id") if row.id not in before]
    assert [row.email for row in made] == ["ada@berg.example", "fay@gmail.com"]
    assert {row.lead_source for row in made} == {"Fair Lyon"}
    assert all(row.owner_id for row in made), "by the rules of routing"
    assert verdicts(house) == {"created": 2, "excluded": 7}
    said = house.rows(
        "SELECT address, state, basis, proof FROM ops.consent_event WHERE source = 'csv' ORDER BY 1"
    )
    known = {row.address: (row.state, row.basis, row.proof) for row in said}
    assert known["ada@berg.example"] == ("unknown", "legitimate interest", "the list Fair Lyon")
    assert known["gus@ives.example"][0] == "opt_out", "a no is kept, whoever says it"
    assert "bea@cole.example" not in known
    (hal,) = house.rows("SELECT lead_source FROM crm.lead WHERE email = 'hal@jost.example'")
    assert hal.lead_source != "Fair Lyon", "a known lead stays as it is"
    assert house.rows("SELECT id FROM crm.alert WHERE event = 'lead_assigned'") == alerts, "quiet"
    assert house.rows("SELECT 1 FROM ops.hook_delivery") == [], "as every migration"


def test_the_same_list_again_writes_nothing_and_undo_takes_it_back(
    house: World, tmp_path: Path
) -> None:
    refuse(house)
    before = but_turns(crm(house))
    path = the_list(tmp_path)
    done = loaded(house, path)
    leads = house.rows("SELECT * FROM crm.lead ORDER BY id")
    loaded(house, path)
    assert house.rows("SELECT * FROM crm.lead ORDER BY id") == leads
    undo_batch(house.db.engine, WHO, done.migration.batch.id)
    assert but_turns(crm(house)) == before


def test_an_opt_in_with_proof_is_kept_and_lifts_no_refusal(house: World, tmp_path: Path) -> None:
    terms = Terms("Fair", "consent", "opt_in", "double opt-in of the fair").checked()
    path = the_list(tmp_path)
    loaded(house, path, terms)
    states = {
        row.address: row.state
        for row in house.rows("SELECT address, state FROM reporting.consents")
    }
    assert states["ada@berg.example"] == "opt_in"
    assert states["gus@ives.example"] == "opt_out"


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (Terms(" ", "consent"), "a list needs a name"),
        (Terms("Fair", "because"), "--basis cannot be 'because'"),
        (Terms("Fair", "consent", "yes"), "--consent cannot be 'yes'"),
        (Terms("Fair", "consent", "opt_in"), "a proof of where"),
        (Terms("Fair", "legitimate interest", "opt_in", "paper"), "the basis consent"),
        (Terms("x" * 201, "consent"), "at most 200"),
        (Terms("a\nb", "consent"), "one line"),
    ],
)
def test_terms_that_cannot_be(terms: Terms, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        terms.checked()


def test_a_mapping_of_another_kind_is_refused(world: World, tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("files:\n  prospects.csv:\n    kind: deals\n")
    with pytest.raises(ConfigError, match="a list has leads"):
        prospects.open_list(world.hub, the_list(tmp_path), mapping, TERMS)
