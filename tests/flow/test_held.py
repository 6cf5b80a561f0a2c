"""A join or split by new rules is held and asked about, if a user worked on one of the people."""

from collections.abc import Mapping

import pytest
from sqlalchemy import text

from hub.actions.activities import activity
from hub.actions.context import Context
from hub.actions.identity import merge, review
from hub.actions.people.edit import edit
from hub.etl import derivations, flow, rederive
from hub.matching.model import DEFAULT
from hub.model.verdicts import Judgement
from hub.records import models
from tests.acting import by
from tests.flow.conftest import World, prepared, salesforce_lead, typeform_answer

STRICT, SHIPPED = 6.0, DEFAULT.same
LEA = {"FirstName": "Lea", "LastName": "Moreau", "Phone": "+33145670001"}
NOAH = {"FirstName": "Noah", "LastName": "Brandt", "Phone": "+33145670002"}
PRIVATE = {"Email": "private@moreau.example.com"}


def key(number: int) -> str:
    return f"salesforce/leads/{salesforce_lead(number).source_id}"


def lead(world: World, number: int, values: Mapping[str, str], *, at: int = 0) -> None:
    email = {"Email": f"lead{number}@x{number}.example.com"}
    world.add("salesforce", "leads", salesforce_lead(number, at=at, **{**email, **values}))


def judge_by(world: World, threshold: float) -> None:
    """Activate another model, and match all people with it."""
    with world.db.engine.begin() as conn:
        models.add(conn, {**DEFAULT.document(), "same": threshold})
    assert rederive.rederive(world.hub).left == 0


def start_with(world: World, threshold: float) -> None:
    with world.db.engine.begin() as conn:
        models.add(conn, {**DEFAULT.document(), "same": threshold})
        derivations.declare(conn, world.hub.mappings)


def people(world: World) -> set[frozenset[str]]:
    rows = world.rows(
        "SELECT array_agg(source || '/' || stream || '/' || source_id) AS keys "
        "FROM ops.source_record WHERE target = 'person' GROUP BY entity_id"
    )
    return {frozenset(row[0]) for row in rows}


def questions(world: World) -> list[set[str]]:
    with world.db.engine.begin() as conn:
        return [{p.a, p.b} for p in review.open_pairs(by(conn))]


def act(world: World, verb: object, *arguments: object) -> None:
    with world.db.engine.begin() as conn:
        ctx: Context = by(conn)
        verb(ctx, *arguments)  # type: ignore[operator]


def touch(world: World, number: int) -> None:
    act(world, edit, key(number), {"city": "Oslo"})


def decide(world: World, judgement: Judgement) -> None:
    (pair,) = questions(world)
    act(world, review.decide, *sorted(pair), judgement)


@prepared
def apart(world: World) -> World:
    """Two times two records that the strict model leaves apart; one of the first two was edited."""
    start_with(world, STRICT)
    for number, values in enumerate((LEA, LEA, NOAH, NOAH), 1):
        lead(world, number, values)
    flow.sync(world.hub, ["salesforce"])
    assert len(people(world)) == 4
    touch(world, 1)
    return world


@prepared
def joined(world: World) -> World:
    """The same, joined by the shipped model."""
    start_with(world, SHIPPED)
    for number, values in enumerate((LEA, LEA, NOAH, NOAH), 1):
        lead(world, number, values)
    flow.sync(world.hub, ["salesforce"])
    assert len(people(world)) == 2
    touch(world, 1)
    return world


def one(*numbers: int) -> frozenset[str]:
    return frozenset(key(number) for number in numbers)


@pytest.mark.parametrize("size", [1, 50])
def test_a_join_of_a_touched_person_is_asked(
    apart: World, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rederive, "RECORDS", size)
    judge_by(apart, SHIPPED)
    assert people(apart) == {one(1), one(2), one(3, 4)}
    assert questions(apart) == [{key(1), key(2)}]
    flow.sync(apart.hub, ["salesforce"])
    judge_by(apart, SHIPPED - 0.1)
    assert people(apart) == {one(1), one(2), one(3, 4)}, "it stands, whatever comes by"
    assert questions(apart) == [{key(1), key(2)}]


@pytest.mark.parametrize("size", [1, 50])
def test_a_split_of_a_touched_person_is_asked(
    joined: World, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rederive, "RECORDS", size)
    judge_by(joined, STRICT)
    assert people(joined) == {one(1, 2), one(3), one(4)}
    asked = questions(joined)
    assert {key(1), key(2)} in asked
    assert len(asked) == 2, "and the doubtful pair of the others"


def test_an_accepted_join_is_one_person_for_ever(apart: World) -> None:
    judge_by(apart, SHIPPED)
    decide(apart, Judgement.SAME)
    assert people(apart) == {one(1, 2), one(3, 4)}
    judge_by(apart, STRICT)
    assert one(1, 2) in people(apart)
    assert {key(1), key(2)} not in questions(apart)


def test_a_refused_join_stays_two_people_for_ever(apart: World) -> None:
    judge_by(apart, SHIPPED)
    decide(apart, Judgement.DIFFERENT)
    assert questions(apart) == []
    judge_by(apart, SHIPPED - 0.1)
    assert people(apart) == {one(1), one(2), one(3, 4)}
    assert questions(apart) == []


def test_a_refused_split_stays_one_person_for_ever(joined: World) -> None:
    act(joined, activity.write, "note", key(4), {"content": "Called"})
    judge_by(joined, STRICT)
    assert len(questions(joined)) == 2
    act(joined, review.decide, key(1), key(2), Judgement.SAME)
    act(joined, review.decide, key(3), key(4), Judgement.DIFFERENT)
    assert questions(joined) == []
    assert people(joined) == {one(1, 2), one(3), one(4)}
    judge_by(joined, STRICT + 0.1)
    assert people(joined) == {one(1, 2), one(3), one(4)}
    assert questions(joined) == []


def test_rules_that_agree_with_the_present_state_ask_no_more(apart: World) -> None:
    judge_by(apart, SHIPPED)
    judge_by(apart, STRICT + 0.1)
    assert people(apart) >= {one(1), one(2)}
    assert {key(1), key(2)} in questions(apart), "doubtful, as it was at first"
    assert apart.rows("SELECT 1 FROM ops.edge WHERE made_by = 'held'") == []


def test_what_a_source_says_anew_frees_the_question(apart: World) -> None:
    judge_by(apart, SHIPPED)
    lead(apart, 2, {**LEA, "City": "Lyon"}, at=100)
    flow.sync(apart.hub, ["salesforce"])
    assert people(apart) == {one(1, 2), one(3, 4)}
    assert questions(apart) == []
    assert apart.rows("SELECT 1 FROM ops.edge WHERE made_by = 'held'") == []


def test_a_merge_by_a_person_ends_the_question(apart: World) -> None:
    judge_by(apart, SHIPPED)
    act(apart, merge.merge, key(1), key(2))
    assert people(apart) == {one(1, 2), one(3, 4)}
    assert questions(apart) == []
    act(apart, merge.unmerge, key(2))
    assert people(apart) == {one(1), one(2), one(3, 4)}
    assert questions(apart) == []


def test_a_new_record_between_two_held_people_joins_one_of_them(apart: World) -> None:
    judge_by(apart, SHIPPED)
    lead(apart, 5, LEA, at=50)
    flow.sync(apart.hub, ["salesforce"])
    found = people(apart)
    assert sum(1 for who in found if key(5) in who and len(who) == 2) == 1
    assert not any({key(1), key(2)} <= who for who in found)


def test_nobody_is_told_and_a_person_found_anew_is_in_one_digest(joined: World) -> None:
    world = joined
    world.add("typeform", "responses", typeform_answer("t1", email="eva@roth.example.com"))
    flow.sync(world.hub, ["typeform"])
    instant = "SELECT count(*) FROM ops.outbox WHERE event <> 'leads_digest'"
    digests = "SELECT count(*) FROM ops.outbox WHERE event = 'leads_digest'"
    turns = "SELECT lead_id, count(*) FROM ops.assignment GROUP BY lead_id HAVING count(*) > 1"
    before = world.rows(instant)[0][0], world.rows(digests)[0][0]
    owners = world.rows("SELECT id, owner_id FROM crm.lead ORDER BY id")
    judge_by(world, STRICT)
    assert people(world) >= {one(3), one(4)}
    assert world.rows(instant)[0][0] == before[0]
    assert world.rows(digests)[0][0] == before[1] + 1
    assert world.rows(turns) == []
    now = world.rows("SELECT id, owner_id FROM crm.lead ORDER BY id")
    assert now[: len(owners)] == owners
    assert all(row.owner_id for row in now)


def test_a_person_without_work_is_matched_as_the_rules_say(world: World) -> None:
    start_with(world, STRICT)
    lead(world, 1, LEA)
    lead(world, 2, LEA)
    flow.sync(world.hub, ["salesforce"])
    with world.db.engine.begin() as conn:
        worked = conn.execute(text("SELECT count(*) FROM ops.assignment")).scalar_one()
    assert worked == 2, "routing is no work"
    judge_by(world, SHIPPED)
    assert people(world) == {one(1, 2)}
    assert questions(world) == []
