"""Smart lists are saved, shared, found by name, and run in the time zone of the user who runs them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.people.assign_list import assign_list
from hub.actions.setup import smart_list
from hub.clock import FixedClock
from hub.errors import ActionError
from hub.lists.document import DEEPEST, MOST_CONDITIONS, ListDocument, read
from hub.lists.templates import TEMPLATES, templates
from tests.acting import by
from tests.db.conftest import seed_leads
from tests.flow.conftest import World, prepared

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
CLOCK = FixedClock(NOW)
ANN, BOB, CID = (f"{name}@owners.example.com" for name in ("ann", "bob", "cid"))
LOGIN = "operator"


@prepared
def thirty(world: World) -> World:
    """Thirty leads, ten of Ann's, ten of Bob's, and a manager, a rep, a viewer."""
    with world.db.engine.begin() as conn:
        seed_leads(conn, 30)
        conn.execute(
            text(
                "UPDATE crm.lead SET owner_id = CASE WHEN id % 3 < 2 THEN (SELECT min(id) FROM "
                "crm.\"user\") + id % 3 END, created_at = :now - (id - 1) * interval '1 hour'"
            ),
            {"now": NOW},
        )
        for email, role, zone in (
            (ANN, "manager", "Europe/Paris"), (BOB, "rep", "America/New_York"), (CID, "viewer", "UTC"),
        ):  # fmt: skip
            conn.execute(
                text('UPDATE crm."user" SET role = :role, timezone = :zone WHERE email = :email'),
                {"role": role, "zone": zone, "email": email},
            )
    return world


@pytest.fixture
def conn(thirty: World) -> Iterator[Connection]:
    """The same, in a transaction."""
    with thirty.db.engine.begin() as conn:
        yield conn


def mine(**more: Any) -> ListDocument:
    return read({"filter": {"field": "owner", "op": "is", "value": "me"}, **more})


def add(conn: Connection, who: str, name: str, document: ListDocument, **more: Any) -> Any:
    return smart_list.add(by(conn, who, CLOCK), name, document, **more)


def rows(conn: Connection, who: str, document: ListDocument) -> set[int]:
    return {row["id"] for row in smart_list.page(by(conn, who, CLOCK), document, limit=1000).rows}


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("name", "contains", "zoe"),
        ("name", "contains", "Zoé ŁU"),
        ("name", "is", "zoe łukasik"),
        ("first_name", "starts with", "ZOE"),
        ("last_name", "starts with", "Łuka"),
        ("first_name", "is", "Zoe"),
    ],
)
def test_a_name_is_found_whatever_its_accents(
    conn: Connection, field: str, op: str, value: str
) -> None:
    made = text("UPDATE crm.lead SET first_name = 'Zoë', last_name = 'Łukasík' WHERE id = 7")
    conn.execute(made)
    for sort in ("name", "-created_at"):
        found = read({"filter": {"field": field, "op": op, "value": value}, "sort": sort})
        assert rows(conn, ANN, found) == {7}


def test_a_list_is_found_by_name_number_and_object(conn: Connection) -> None:
    kept = add(conn, ANN, "  Mine  ", mine(sort="-created_at", columns=["name", "owner"]))
    for name in ("mine", "lead/Mine", str(kept.id)):
        assert smart_list.find(by(conn, ANN, CLOCK), name) == kept
    assert kept.document.sort is not None
    assert kept.document.columns == ("name", "owner")


def test_a_shared_list_shows_everybody_their_own(conn: Connection) -> None:
    add(conn, BOB, "Mine", mine())
    with pytest.raises(ActionError) as caught:
        smart_list.find(by(conn, ANN, CLOCK), "Mine")
    assert caught.value.code == "not_found"
    smart_list.share(by(conn, BOB, CLOCK), "Mine")
    shared = smart_list.find(by(conn, ANN, CLOCK), "Mine").document
    of_ann, of_bob = rows(conn, ANN, shared), rows(conn, BOB, shared)
    assert len(of_ann) == len(of_bob) == 10
    assert not of_ann & of_bob
    smart_list.share(by(conn, BOB, CLOCK), "Mine", is_shared=False)
    with pytest.raises(ActionError):
        smart_list.find(by(conn, ANN, CLOCK), "Mine")


def test_ones_own_list_comes_before_the_teams_and_those_before_templates(conn: Connection) -> None:
    everything = read({})
    assert smart_list.find(by(conn, ANN, CLOCK), "My leads").id is None
    team = add(conn, LOGIN, "My leads", everything)
    assert (team.user_id, team.is_shared) == (None, True)
    assert smart_list.find(by(conn, ANN, CLOCK), "my leads").id == team.id
    own = add(conn, ANN, "My leads", everything)
    assert smart_list.find(by(conn, ANN, CLOCK), "my leads").id == own.id
    assert smart_list.find(by(conn, BOB, CLOCK), "my leads").id == team.id


def test_lists_of_two_objects_with_one_name_are_told_apart(conn: Connection) -> None:
    add(conn, ANN, "All", read({}))
    deals = add(conn, ANN, "All", read({"object": "deal"}))
    with pytest.raises(ActionError) as caught:
        smart_list.find(by(conn, ANN, CLOCK), "all")
    assert caught.value.code == "conflict"
    assert smart_list.find(by(conn, ANN, CLOCK), "deal/all") == deals


def test_a_name_is_taken_once(conn: Connection) -> None:
    add(conn, ANN, "Mine", mine())
    add(conn, BOB, "Mine", mine())
    with pytest.raises(ActionError) as caught:
        add(conn, ANN, "MINE", mine())
    assert (caught.value.code, caught.value.field) == ("conflict", "name")


@pytest.mark.parametrize("name", ["", "  ", "12", "a\nb", "x" * 101])
def test_a_name_that_is_none_is_refused(conn: Connection, name: str) -> None:
    with pytest.raises(ActionError) as caught:
        add(conn, ANN, name, mine())
    assert (caught.value.code, caught.value.field) == ("invalid", "name")


def test_who_may_not_is_refused(conn: Connection) -> None:
    add(conn, ANN, "Mine", mine(), is_shared=True)
    for act in (
        lambda: add(conn, CID, "Mine", mine()),
        lambda: add(conn, ANN, "Pattern", mine(), is_template=True),
        lambda: smart_list.share(by(conn, BOB, CLOCK), "Mine", is_shared=False),
        lambda: smart_list.remove(by(conn, BOB, CLOCK), "Mine"),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        assert caught.value.code == "forbidden"
    assert rows(conn, CID, smart_list.find(by(conn, CID, CLOCK), "Mine").document) == set()
    with pytest.raises(ActionError):
        smart_list.remove(by(conn, ANN, CLOCK), "My leads")
    smart_list.remove(by(conn, ANN, CLOCK), "Mine")
    with pytest.raises(ActionError):
        smart_list.find(by(conn, ANN, CLOCK), "Mine")


def test_today_is_the_day_of_whoever_asks(conn: Connection) -> None:
    today = read({"filter": {"field": "created_at", "op": "within", "value": "today"}})
    # half past midnight in Paris, half past six in the evening in New York
    assert len(rows(conn, ANN, today)) == 1
    assert len(rows(conn, BOB, today)) == 19
    assert len(rows(conn, LOGIN, today)) == 23


def test_the_login_of_the_machine_has_no_me(conn: Connection) -> None:
    with pytest.raises(ActionError) as caught:
        rows(conn, LOGIN, mine())
    assert (caught.value.code, caught.value.field) == ("invalid", "owner")


def test_counts_are_exact_to_ten_thousand_and_beyond_on_request(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.lists.pages.COUNTED", 20)
    every, few = read({}), mine()
    assert smart_list.count(by(conn, ANN, CLOCK), few) == smart_list.pages.Count(10, is_exact=True)
    assert smart_list.count(by(conn, ANN, CLOCK), every) == smart_list.pages.Count(
        20, is_exact=False
    )
    told = smart_list.count(by(conn, ANN, CLOCK), every, exact=True)
    assert told == smart_list.pages.Count(30, is_exact=True)


def test_a_selection_is_the_lists_records_in_its_order(conn: Connection) -> None:
    add(conn, ANN, "Mine", mine(sort="created_at"))
    kind, ids = smart_list.selection(by(conn, ANN, CLOCK), "Mine", limit=10)
    assert kind == "lead"
    expected = conn.execute(
        text('SELECT id FROM crm.lead WHERE owner_id = (SELECT min(id) FROM crm."user") '
             "ORDER BY created_at, id")
    ).scalars()  # fmt: skip
    assert ids == list(expected)


def test_a_selection_of_more_than_the_limit_is_refused_and_not_cut(conn: Connection) -> None:
    add(conn, ANN, "Mine", mine())
    with pytest.raises(ActionError, match="more than 9 records") as caught:
        smart_list.selection(by(conn, ANN, CLOCK), "Mine", limit=9)
    assert (caught.value.code, caught.value.field) == ("conflict", "list")


def test_fields_are_called_by_their_names_of_today_and_of_before(conn: Connection) -> None:
    conn.execute(text("UPDATE crm.lead SET organization_name = 'Acme' WHERE id = 7"))
    for name in ("company", "organization_name", "Company"):
        said = {"filter": {"field": name, "op": "is", "value": "acme"}, "columns": [name]}
        page = smart_list.page(by(conn, ANN, CLOCK), read(said))
        assert page.rows == [{"id": 7, "company": "Acme"}]
    deals = {"object": "deal", "sort": "estimated_close_date", "columns": ["is_hot"]}
    assert smart_list.page(by(conn, ANN, CLOCK), read(deals)).columns == ("hot",)


def test_days_since_are_shown_as_days_of_the_zone_of_the_asker(conn: Connection) -> None:
    at = datetime(2026, 3, 31, 21, tzinfo=UTC)  # in Paris it is 1 April now
    conn.execute(text("UPDATE crm.lead SET last_communication_at = :at WHERE id = 7"), {"at": at})
    name = "days_since_last_communication"
    said = read({"filter": {"field": "id", "op": "is", "value": 7}, "columns": [name]})
    for who, days in ((ANN, 1), (BOB, 0), (CID, 0), (LOGIN, 0)):
        assert smart_list.page(by(conn, who, CLOCK), said).rows == [{"id": 7, name: days}]
    conn.execute(text("UPDATE crm.lead SET last_communication_at = NULL WHERE id = 7"))
    assert smart_list.page(by(conn, ANN, CLOCK), said).rows == [{"id": 7, name: None}]


def test_all_of_a_list_are_given_away(conn: Connection) -> None:
    before = rows(conn, ANN, read({"filter": {"field": "owner", "op": "is", "value": "nobody"}}))
    given = assign_list(by(conn, ANN, CLOCK), "lead", name="Nobody's leads", to=BOB)
    assert set(given.owners) == before
    assert len(before) == 10
    assert rows(conn, BOB, mine()) >= before
    again = assign_list(by(conn, ANN, CLOCK), "lead", name="Nobody's leads", to=BOB)
    assert (again.owners, again.unchanged) == ({}, 0)


def test_a_list_of_other_records_is_not_given_away(conn: Connection) -> None:
    for kind, name in (("lead", "My open deals"), ("deal", "My leads")):
        with pytest.raises(ActionError) as caught:
            assign_list(by(conn, ANN, CLOCK), kind, name=name, to=BOB)
        assert (caught.value.field, caught.value.code) == ("list", "conflict")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_can_be_asked(conn: Connection, name: str) -> None:
    found = smart_list.find(by(conn, ANN, CLOCK), name)
    smart_list.page(by(conn, ANN, CLOCK), found.document)
    smart_list.count(by(conn, ANN, CLOCK), found.document)


def test_new_and_not_contacted_are_just_those(conn: Connection) -> None:
    conn.execute(text("UPDATE crm.lead SET status = 'Working' WHERE id % 2 = 0"))
    conn.execute(text("UPDATE crm.lead SET last_communication_at = now() WHERE id % 5 = 0"))
    conn.execute(text("UPDATE crm.lead SET converted_at = now() WHERE id % 7 = 0"))
    found = rows(conn, ANN, smart_list.find(by(conn, ANN, CLOCK), "New, not contacted").document)
    ids = conn.execute(text("SELECT id FROM crm.lead")).scalars()
    assert found == {i for i in ids if i % 2 and i % 5 and i % 7}


def _nested(depth: int) -> Any:
    node: Any = {"field": "status", "op": "is", "value": "New"}
    for _ in range(depth):
        node = {"not": node}
    return node


_NEW = {"field": "status", "op": "is", "value": "New"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ([], "document"),
        ({"object": "ticket"}, "object"),
        ({"what": 1}, "what"),
        ({"filter": {"field": "status"}}, "filter.op"),
        ({"filter": {"field": "status", "op": "like", "value": "x"}}, "filter.op"),
        ({"filter": {"all": [{"field": "status", "op": "is"}]}}, "filter.all.0"),
        ({"filter": {"field": "status", "op": "is", "value": ["a"]}}, "filter"),
        ({"filter": {"field": "status", "op": "is empty", "value": "a"}}, "filter"),
        ({"filter": {"any": []}}, "filter.any"),
        ({"filter": {"all": [], "any": []}}, "filter.all.any"),
        ({"filter": _nested(DEEPEST + 1)}, "document"),
        ({"filter": _nested(5000)}, "filter"),
        ({"filter": {"all": [_NEW] * (MOST_CONDITIONS + 1)}}, "document"),
        ({"filter": {"field": "status", "op": "is", "value": "a\0"}}, "filter"),
        ({"filter": {"field": "tags", "op": "any", "value": ["x"] * 501}}, "filter"),
        ({"sort": ["name", "created_at"]}, "sort"),
        ({"sort": "name:up"}, "sort"),
    ],
)
def test_a_document_that_is_none_is_refused_with_the_place(said: Any, field: str) -> None:
    with pytest.raises(ActionError) as caught:
        read(said)
    assert (caught.value.resource, caught.value.code) == ("smart_list", "invalid")
    assert str(caught.value.field).startswith(field)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"filter": {"field": "nothing", "op": "is", "value": "x"}}, "nothing"),
        ({"filter": {"field": "entity_id", "op": "is", "value": 1}}, "entity_id"),
        ({"filter": {"field": "status", "op": ">", "value": "x"}}, "status"),
        ({"filter": {"field": "created_at", "op": "within", "value": "soon"}}, "created_at"),
        ({"filter": {"field": "created_at", "op": "before", "value": "0001-01-01"}}, "created_at"),
        ({"filter": {"field": "created_at", "op": "contains", "value": "2026"}}, "created_at"),
        ({"filter": {"field": "owner", "op": "is", "value": "Zoe"}}, "owner"),
        ({"filter": {"field": "tags", "op": "contains", "value": "x"}}, "tags"),
        ({"filter": {"field": "open_tickets", "op": ">", "value": "many"}}, "open_tickets"),
        ({"filter": {"field": "days_since_last_communication", "op": ">", "value": 1.5}}, "days"),
        ({"sort": "city"}, "sort"),
        ({"sort": "nothing"}, "sort"),
        ({"columns": ["nothing"]}, "columns"),
    ],
)
def test_what_a_field_cannot_be_asked_is_refused_before_it_is_kept(
    conn: Connection, said: Any, field: str
) -> None:
    with pytest.raises(ActionError) as caught:
        add(conn, ANN, "Odd", read(said))
    assert str(caught.value.field).startswith(field)
    assert conn.execute(text("SELECT count(*) FROM crm.smart_list")).scalar_one() == 0


def test_the_templates_are_of_every_kind() -> None:
    assert {one.document.object for one in templates()} == {"lead", "person", "company", "deal"}
