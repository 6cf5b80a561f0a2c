"""Merges, splits and edits by users can all be taken back."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.actions.identity.merge import Merged, merge, unmerge
from hub.actions.identity.review import decide, open_pairs
from hub.actions.people.edit import edit, take_back
from hub.errors import ActionError
from hub.etl import flow
from hub.golden.fold import source_version
from hub.golden.survive import Edit, survive
from hub.model.entities import folded_names
from hub.model.verdicts import Judgement
from hub.records import folding
from tests.acting import by, done
from tests.flow.conftest import (
    World,
    hubspot_contact,
    prepared,
    salesforce_lead,
    typeform_answer,
    zendesk_ticket,
    zendesk_user,
)
from tests.flow.selling import define

WHO = "operator"
SOURCES = ["hubspot", "salesforce", "typeform", "zendesk"]
_CRM = text("""
SELECT s.source || '/' || s.stream || '/' || s.source_id AS record,
       to_jsonb(l) - ARRAY['archived_at', 'contact_id'] AS lead, l.archived_at IS NOT NULL AS gone,
       (SELECT json_agg(i.message ORDER BY i.id) FROM crm.inquiry i
        WHERE i.entity_id = s.entity_id) AS inquiries,
       (SELECT json_agg(t.source_id ORDER BY t.id) FROM crm.ticket t
        WHERE t.entity_id = s.entity_id) AS tickets,
       (SELECT json_agg(c.state ORDER BY c.id) FROM ops.consent_event c
        WHERE c.entity_id = s.entity_id) AS consents
FROM ops.source_record s LEFT JOIN crm.lead l ON l.entity_id = s.entity_id
WHERE s.target = 'person' ORDER BY 1
""")


def crm(world: World) -> list[Any]:
    """Every record, the lead it is in, and what hangs on that lead."""
    with world.db.engine.begin() as conn:
        return [tuple(row) for row in conn.execute(_CRM)]


def act(world: World, verb: Any, *arguments: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments)


def lead_of(world: World, record: str) -> Any:
    source, stream, source_id = record.split("/", 2)
    (row,) = world.rows(
        "SELECT l.* FROM crm.lead l JOIN ops.source_record s USING (entity_id) "
        "WHERE s.source = :source AND s.stream = :stream AND s.source_id = :id "
        "AND s.target = 'person'",
        source=source,
        stream=stream,
        id=source_id,
    )
    return row


def sf(number: int) -> str:
    return f"salesforce/leads/00Q{number:012d}AAA"


@prepared
def peopled(world: World) -> World:
    """Lea twice (once by her form), Noah, and a Max whom one source knows."""
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com"),
        salesforce_lead(2, FirstName="Noah", LastName="Brandt", Email="noah@brandt.example.com",
                        Phone="+33145678901"),
        salesforce_lead(3, FirstName="Max", LastName="Olsen", Email="max@olsen.example.com"),
    )  # fmt: skip
    world.add(
        "typeform", "responses",
        typeform_answer("a" * 12, first_name="Lea", last_name="Moreau",
                        email="lea@moreau.example.com", message="A demo, please"),
    )  # fmt: skip
    world.add(
        "zendesk", "users", zendesk_user(7, name="Noah Brandt", email="noah@brandt.example.com")
    )
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="It broke", requester_id=7))
    assert flow.sync(world.hub, SOURCES).holds
    return world


def test_merging_two_leads_and_taking_it_back_leaves_everything_as_it_was(peopled: World) -> None:
    before = crm(peopled)
    merged: Merged = act(peopled, merge, WHO, sf(1), sf(2))
    one, two = lead_of(peopled, sf(1)), lead_of(peopled, sf(2))
    assert one.id == two.id, "one row stands for both"
    (absorbed,) = peopled.rows("SELECT * FROM crm.lead WHERE entity_id = :e", e=merged.absorbed)
    assert absorbed.merged_into == one.id
    assert peopled.rows("SELECT 1 FROM crm.ticket WHERE entity_id = :e", e=merged.survivor)
    act(peopled, unmerge, WHO, str(absorbed.id))
    assert crm(peopled) == before


def test_what_was_unmerged_is_not_merged_again(peopled: World) -> None:
    form = f"typeform/responses/f1:{'a' * 12}"
    assert lead_of(peopled, form).id == lead_of(peopled, sf(1)).id
    act(peopled, unmerge, WHO, form)
    apart = crm(peopled)
    assert lead_of(peopled, form).id != lead_of(peopled, sf(1)).id
    changed = salesforce_lead(
        1, at=500, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com", Title="CEO"
    )
    peopled.add("salesforce", "leads", changed)
    assert flow.sync(peopled.hub, SOURCES).holds
    assert lead_of(peopled, form).id != lead_of(peopled, sf(1)).id
    assert len(crm(peopled)) == len(apart)


def test_edits_before_a_merge_go_back_and_edits_after_it_stay(peopled: World) -> None:
    act(peopled, edit, WHO, sf(2), {"title": "Buyer"})
    act(peopled, edit, WHO, sf(1), {"city": "Lyon"})
    merged: Merged = act(peopled, merge, WHO, sf(1), sf(2))
    assert (lead_of(peopled, sf(1)).title, lead_of(peopled, sf(1)).city) == ("Buyer", "Lyon")
    act(peopled, edit, WHO, sf(1), {"industry": "Bakery"})
    (absorbed,) = peopled.rows("SELECT id FROM crm.lead WHERE entity_id = :e", e=merged.absorbed)
    act(peopled, unmerge, WHO, str(absorbed.id))
    one, two = lead_of(peopled, sf(1)), lead_of(peopled, sf(2))
    assert (two.title, two.city, two.industry) == ("Buyer", None, None)
    assert (one.title, one.city, one.industry) == (None, "Lyon", "Bakery")


def test_an_edit_outlasts_a_sync_until_it_is_taken_back(peopled: World) -> None:
    define(peopled, "lead", size="string")
    act(peopled, edit, WHO, sf(3), {"first_name": "Maximilian", "custom_fields.size": "L"})
    peopled.add(
        "salesforce", "leads",
        salesforce_lead(3, at=600, FirstName="Maxi", LastName="Olsen", Email="max@olsen.example.com"),
    )  # fmt: skip
    flow.sync(peopled.hub, ["salesforce"])
    lead = lead_of(peopled, sf(3))
    assert (lead.first_name, lead.custom_fields["size"]) == ("Maximilian", "L")
    act(peopled, take_back, WHO, sf(3), "first_name")
    assert lead_of(peopled, sf(3)).first_name == "Maxi"


def test_a_pair_in_review_is_decided_and_leaves_the_list(world: World) -> None:
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Eva", LastName="Roth", Email="eva@roth.example.com"),
        salesforce_lead(2, FirstName="Jan", LastName="Kern", Phone="+33145678902"),
    )  # fmt: skip
    world.add(
        "typeform", "responses",
        typeform_answer("b" * 12, email="eva@roth.example.com", phone="+33145678902"),
    )  # fmt: skip
    flow.sync(world.hub, SOURCES)
    with world.db.engine.begin() as conn:
        (pair,) = open_pairs(by(conn))
    assert pair.reasons
    act(world, decide, WHO, pair.a, pair.b, Judgement.DIFFERENT)
    with world.db.engine.begin() as conn:
        assert open_pairs(by(conn)) == []
    act(world, decide, WHO, pair.a, pair.b, Judgement.SAME)
    assert lead_of(world, pair.a).id == lead_of(world, pair.b).id


@pytest.mark.parametrize(
    ("verb", "arguments", "code"),
    [
        (merge, (WHO, sf(1), sf(1)), "conflict"),
        (merge, (WHO, sf(1), "nobody"), "not_found"),
        (merge, (WHO, sf(1), "9" * 40), "not_found"),
        (unmerge, (WHO, "salesforce/leads/none"), "not_found"),
        (unmerge, (WHO, sf(3)), "conflict"),
        (edit, (WHO, sf(1), {"colour": "red"}), "not_found"),
        (edit, (WHO, sf(1), {"email": 7}), "invalid"),
        (edit, (WHO, sf(1), {"tags": 7}), "invalid"),
        (edit, (WHO, sf(1), {"first_name": "a\0b"}), "invalid"),
        (edit, (WHO, sf(1), {"created_at": "soon"}), "invalid"),
        (decide, (WHO, sf(1), sf(1), Judgement.SAME), "invalid"),
        (decide, (WHO, sf(1), "777777", Judgement.SAME), "not_found"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    peopled: World, verb: Any, arguments: Any, code: str
) -> None:
    before = crm(peopled)
    with pytest.raises(ActionError) as told:
        act(peopled, verb, *arguments)
    assert told.value.code == code
    assert crm(peopled) == before


def folded(world: World) -> dict[int, dict[str, Any]]:
    """Return the fold of every entity in use, computed from its records."""
    with world.db.engine.begin() as conn:
        living = list(
            conn.execute(
                text("SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person'")
            ).scalars()
        )
        edits = folding.edits_of(conn, living)
        return {
            entity: dict(
                survive(
                    [source_version(r) for r in found],
                    [
                        Edit(e.field, e.value, e.at.isoformat(), e.who)
                        for e in edits.get(entity, ())
                    ],
                ).values
            )
            for entity, found in folding.records_of(conn, living).items()
        }


_N = 6
_STEP = st.one_of(
    st.tuples(st.just("sync"), st.integers(0, _N - 1), st.sampled_from(["CEO", "CTO", ""])),
    st.tuples(st.just("edit"), st.integers(0, _N - 1), st.sampled_from(["Lyon", "Oslo", None])),
    st.tuples(st.just("merge"), st.integers(0, _N - 1), st.integers(0, _N - 1)),
    st.tuples(st.just("unmerge"), st.integers(0, _N - 1), st.integers(0, _N - 1)),
    st.tuples(st.just("review"), st.integers(0, _N - 1), st.booleans()),
)
_moments = iter(range(1_000, 100_000_000))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEP, min_size=3, max_size=10))
def test_after_any_sequence_the_crm_is_the_fold_of_what_remains(
    world: World, steps: Sequence[tuple[str, int, Any]]
) -> None:
    for number in range(_N):
        _arrive(world, number, "")
    flow.sync(world.hub, ["salesforce", "hubspot"])
    for verb, number, how in steps:
        _step(world, verb, number, how)
    leads = {row.entity_id: row for row in world.rows("SELECT * FROM crm.lead")}
    for entity, golden in folded(world).items():
        row = leads[entity]
        assert row.merged_into is None
        for name in folded_names("lead"):
            if name != "created_at":
                assert (getattr(row, name) or None) == (golden.get(name) or None), name
    holding = set(folded(world))
    assert all(row.merged_into for entity, row in leads.items() if entity not in holding)


def _step(world: World, verb: str, number: int, how: Any) -> None:
    if verb == "sync":
        _arrive(world, number, how)
        flow.sync(world.hub, ["salesforce", "hubspot"])
    elif verb == "edit":
        act(world, edit, WHO, sf(number + 1), {"city": how})
    elif verb == "merge" and lead_of(world, sf(number + 1)).id != lead_of(world, sf(how + 1)).id:
        before = crm(world)
        merged = act(world, merge, WHO, sf(number + 1), sf(how + 1))
        after = crm(world)
        (absorbed,) = world.rows("SELECT id FROM crm.lead WHERE entity_id = :e", e=merged.absorbed)
        act(world, unmerge, WHO, str(absorbed.id))
        assert crm(world) == before, "unmerge(merge) is the identity"
        act(world, merge, WHO, sf(number + 1), sf(how + 1))
        assert crm(world) == after
    elif verb == "unmerge":
        gone = world.rows("SELECT id FROM crm.lead WHERE merged_into IS NOT NULL ORDER BY id")
        if gone:
            act(world, unmerge, WHO, str(gone[number % len(gone)].id))
    elif verb == "review":
        with world.db.engine.begin() as conn:
            pairs = open_pairs(by(conn))
        if pairs:
            pair = pairs[number % len(pairs)]
            act(world, decide, WHO, pair.a, pair.b, Judgement.SAME if how else Judgement.DIFFERENT)


def _arrive(world: World, number: int, title: str) -> None:
    """Three people, each twice: the sources agree on the name of all, on the address of some."""
    names = ("Lea", "Moreau"), ("Noah", "Brandt"), ("Max", "Olsen")
    first, last = names[number % 3]
    at = next(_moments)
    mail = f"{last}{number if number > 3 else number % 3}@example.com".lower()
    world.add(
        "salesforce", "leads",
        salesforce_lead(number + 1, at=at, FirstName=first, LastName=last, Email=mail, Title=title,
                        Company="Acme"),
    )  # fmt: skip
    if number == 0:
        world.add("hubspot", "contacts", hubspot_contact(
            1, at=at, firstname=first, lastname=last, email=mail, lifecyclestage="lead"))  # fmt: skip
