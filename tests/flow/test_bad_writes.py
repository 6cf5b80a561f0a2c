"""A refused write is one error with resource, field, code and message; nothing changes."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.activities import activity, outcome, task
from hub.actions.leads import status
from hub.actions.people.add_person import add
from hub.actions.people.assign import assign, assign_many
from hub.actions.people.edit import edit
from hub.crm import owners
from hub.errors import ActionError
from hub.etl import flow
from hub.etl.groups import Group, apply_groups
from tests.acting import by, done
from tests.flow.conftest import World, prepared, salesforce_lead

WHO = "operator"
ANN = "ann@owners.example.com"
LEAD = "salesforce/leads/00Q000000000001AAA"
_TABLES = ("crm.task", "crm.note", "crm.call", "crm.visit", "crm.message", "crm.outcome", "ops.edit",
           "ops.change", "crm.lead", "crm.contact", "ops.source_record", "ops.assignment", "ops.outbox",
           "ops.batch", "ops.edge", "landing.raw", "crm.lead_status", "crm.reason")  # fmt: skip


@prepared
def one_lead(world: World) -> World:
    """Lea, whom Ann owns, and a viewer and a rep beside her."""
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Moreau", Email="l@m.example.com"))
    flow.sync(world.hub, ["salesforce"])
    with world.db.engine.begin() as conn:
        owners.apply_people(
            conn,
            [
                owners.Person("eye@owners.example.com", "Eye", True, "UTC", {}, "viewer"),
                owners.Person("rep@owners.example.com", "Rep", True, "UTC", {}, "rep"),
                owners.Person("left@owners.example.com", "Left", False, "UTC", {}, "rep"),
            ],
        )
        apply_groups(
            conn,
            [
                Group("dealers", ["rep@owners.example.com"], "deal"),
                Group("empty", ["left@owners.example.com"]),
            ],
        )
        outcome.add(by(conn, WHO), "call", "Reached")
        task.add(by(conn, WHO), {"content": "Ring"}, on=LEAD)
        activity.write(by(conn, WHO), "note", LEAD, {"content": "Hm"})
    return world


def act(world: World, verb: Any, *arguments: Any, **named: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments, **named)


def everything(world: World) -> dict[str, list[str]]:
    with world.db.engine.begin() as conn:
        return {
            name: [
                str(row) for row in conn.execute(text(f"SELECT to_jsonb(t) FROM {name} t ORDER BY 1"))
            ]
            for name in _TABLES
        }  # fmt: skip


def write(kind: str, on: str, /, **given: Any) -> tuple[Any, tuple[Any, ...]]:
    return activity.write, (WHO, kind, on, given)


def put(kind: str, who: str = WHO, /, **given: Any) -> tuple[Any, tuple[Any, ...]]:
    owner = given.pop("owner", None)

    def by_hand(conn: Any, who: str) -> Any:
        return add(by(conn, who), kind, given, region="FR", owner=owner)

    return by_hand, (who,)


def say(*arguments: Any, reason: str | None = None) -> tuple[Any, tuple[Any, ...]]:
    def said(conn: Any, who: str) -> Any:
        return status.set_status(by(conn, who), *arguments, reason=reason)

    return said, (WHO,)


def refused(world: World, verb: Any, arguments: Any) -> ActionError:
    """Act, and return the error; nothing is changed."""
    before = everything(world)
    with pytest.raises(ActionError) as told:
        act(world, verb, *arguments)
    assert everything(world) == before
    return told.value


@pytest.mark.parametrize(
    ("call", "resource", "field", "code"),
    [
        (write("note", "lead/999", content="x"), "lead", None, "not_found"),
        (write("note", "nobody", content="x"), "person", None, "not_found"),
        (write("note", "deal/1", content="x"), "deal", None, "not_found"),
        (write("note", LEAD), "note", "content", "required"),
        (write("note", LEAD, content="  "), "note", "content", "required"),
        (write("note", LEAD, content="a\0b"), "note", "content", "invalid"),
        (write("note", LEAD, content="\ud800"), "note", "content", "invalid"),
        (write("note", LEAD, content="x" * 70_000), "note", "content", "invalid"),
        (write("note", LEAD, content=7), "note", "content", "invalid"),
        (write("note", LEAD, content="x", colour="red"), "note", "colour", "not_found"),
        (write("note", LEAD, content="x", is_important="yes"), "note", "is_important", "invalid"),
        (write("call", LEAD, made_at="soon"), "call", "made_at", "invalid"),
        (write("call", LEAD, made_at="2026-13-01T00:00"), "call", "made_at", "invalid"),
        (write("call", LEAD, made_at="2999-01-01T00:00+00:00"), "call", "made_at", "invalid"),
        (write("call", LEAD, duration_s=-1), "call", "duration_s", "invalid"),
        (write("call", LEAD, duration_s=2**40), "call", "duration_s", "invalid"),
        (write("call", LEAD, duration_s=1.5), "call", "duration_s", "invalid"),
        (write("call", LEAD, outcome="Won"), "call", "outcome", "not_found"),
        (write("visit", LEAD, outcome="Reached"), "visit", "outcome", "not_found"),
        (write("message", LEAD, content="x"), "message", "kind", "required"),
        (write("message", LEAD, kind="pigeon"), "message", "kind", "invalid"),
        ((activity.edit, (WHO, "note/1", {"content": None})), "note", "content", "required"),
        ((activity.edit, (WHO, "note/1", {"is_important": None})), "note", "is_important", "required"),
        ((activity.edit, (WHO, "note/999", {"content": "x"})), "note", None, "not_found"),
        ((activity.edit, (WHO, "song/1", {"content": "x"})), "activity", None, "not_found"),
        ((activity.archive, (WHO, "note/" + "9" * 40)), "note", None, "not_found"),
        ((activity.archive, (WHO, "note/x")), "note", None, "not_found"),
        ((task.complete, (WHO, "77")), "task", None, "not_found"),
        ((task.reopen, (WHO, "1")), "task", None, "conflict"),
        ((task.assign, (WHO, "1", "x@y.example.com")), "task", "owner", "not_found"),
        ((task.assign, (WHO, "1", "left@owners.example.com")), "task", "owner", "not_found"),
        ((task.add, (WHO, {"content": ""})), "task", "content", "required"),
        ((task.add, (WHO, {"content": "x", "due_at": "someday"})), "task", "due_at", "invalid"),
        ((outcome.add, (WHO, "call", "reached")), "outcome", "name", "conflict"),
        ((outcome.add, (WHO, "dance", "x")), "outcome", "kind", "invalid"),
        ((outcome.add, (WHO, "call", " ")), "outcome", "name", "required"),
        (put("lead", first_name="Eva"), "lead", "last_name", "required"),
        (put("lead", last_name="  "), "lead", "last_name", "required"),
        (put("contact", organization_name="Acme"), "contact", "last_name", "required"),
        (put("lead", last_name="Roth", email="nobody"), "lead", "email", "invalid"),
        (put("lead", last_name="Roth", phone="call me"), "lead", "phone", "invalid"),
        (put("lead", last_name="Roth", country="Atlantis"), "lead", "country", "invalid"),
        (put("lead", last_name="Roth", website="not a page"), "lead", "website", "invalid"),
        (put("lead", last_name=7), "lead", "last_name", "invalid"),
        (put("lead", last_name="a\0b"), "lead", "last_name", "invalid"),
        (put("lead", last_name="Roth", colour="red"), "lead", "colour", "not_found"),
        (put("lead", last_name="Roth", status="New"), "lead", "status", "not_found"),
        (put("lead", last_name="Moreau", email="l@m.example.com"), "lead", None, "duplicate"),
        (put("lead", last_name="Roth", owner="x@y.example.com"), "lead", "owner", "not_found"),
        ((assign, (WHO, "lead", ["999"], ANN)), "lead", None, "not_found"),
        ((assign, (WHO, "contact", [LEAD], ANN)), "contact", None, "invalid"),
        ((assign, (WHO, "lead", [LEAD], "nobody@example.com")), "lead", "owner", "not_found"),
        ((assign, (WHO, "lead", [LEAD], "left@owners.example.com")), "lead", "owner", "not_found"),
        ((assign, (WHO, "lead", [LEAD], "no such group")), "lead", "owner", "not_found"),
        ((assign, (WHO, "lead", [LEAD], "dealers")), "lead", "owner", "conflict"),
        ((assign, (WHO, "lead", [LEAD], "empty")), "lead", "owner", "conflict"),
        ((assign_many, (WHO, "lead", [1, 998, 999], ANN)), "lead", None, "not_found"),
        (say([LEAD], "Sleeping"), "lead", "status", "not_found"),
        (say([LEAD], "Unqualified"), "lead", "unqualified_reason", "required"),
        (say([LEAD], "Unqualified", reason="Rain"), "lead", "unqualified_reason", "not_found"),
        (say([LEAD], "Working", reason="No need"), "lead", "unqualified_reason", "invalid"),
        (say(["999"], "Working"), "lead", None, "not_found"),
        ((status.add_status, (WHO, "new")), "lead_status", "name", "conflict"),
        ((status.add_reason, (WHO, " ")), "lead_unqualified_reason", "name", "required"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_one_error_and_changes_nothing(
    one_lead: World, call: Any, resource: str, field: str | None, code: str
) -> None:
    error = refused(one_lead, *call)
    assert (error.resource, error.field, error.code) == (resource, field, code)
    assert error.message


@pytest.mark.parametrize("who", ["eye@owners.example.com", "rep@owners.example.com",
                                 "left@owners.example.com", "stranger@example.com"])  # fmt: skip
@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (activity.write, ("note", LEAD, {"content": "x"})),
        (activity.edit, ("note/1", {"content": "x"})),
        (activity.archive, ("note/1",)),
        (task.complete, ("1",)),
        (assign, ("lead", [LEAD], "bob@owners.example.com")),
        (status.set_status, ([LEAD], "Working")),
        (edit, (LEAD, {"city": "Lyon"})),
    ],
)
def test_who_may_not_is_refused_in_the_action(
    one_lead: World, who: str, verb: Any, arguments: Any
) -> None:
    """Ann owns the lead: who only looks, who works on their own alone, who has left, who is unknown."""
    error = refused(one_lead, verb, (who, *arguments))
    assert error.code == "forbidden"


def test_a_viewer_adds_nobody(one_lead: World) -> None:
    verb, arguments = put("lead", "eye@owners.example.com", last_name="Roth")
    assert refused(one_lead, verb, arguments).code == "forbidden"


def test_a_rep_sets_up_nothing_and_ends_their_own_task(one_lead: World) -> None:
    rep = "rep@owners.example.com"
    assert refused(one_lead, outcome.add, (rep, "call", "Later")).code == "forbidden"
    act(one_lead, task.assign, WHO, "1", rep)
    act(one_lead, task.complete, rep, "1")
    assert refused(one_lead, task.complete, (rep, "1")).code == "conflict"


def test_the_last_edit_of_a_field_stands_and_both_are_in_the_history(one_lead: World) -> None:
    act(one_lead, edit, "ann@owners.example.com", LEAD, {"city": "Lyon", "title": "CEO"})
    act(one_lead, edit, WHO, LEAD, {"city": "Oslo"})
    (lead,) = one_lead.rows("SELECT * FROM crm.lead")
    assert (lead.city, lead.title) == ("Oslo", "CEO")
    edits = one_lead.rows("SELECT who, field, value FROM ops.edit WHERE field = 'city' ORDER BY id")
    assert [(e.who, e.value) for e in edits] == [
        ("ann@owners.example.com", "Lyon"),
        (WHO, "Oslo"),
    ]
    act(one_lead, activity.edit, "ann@owners.example.com", "note/1", {"content": "Mine"})
    act(one_lead, activity.edit, WHO, "note/1", {"content": "No, mine"})
    changes = one_lead.rows(
        "SELECT who, fields FROM ops.change WHERE fields ? 'note/1 content' ORDER BY id"
    )
    assert [(c.who, c.fields["note/1 content"]) for c in changes] == [
        ("ann@owners.example.com", {"old": "Hm", "new": "Mine"}),
        (WHO, {"old": "Mine", "new": "No, mine"}),
    ]
