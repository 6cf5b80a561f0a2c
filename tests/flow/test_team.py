"""Groups and users by command: what is set decides the next turn, and what hub.yaml manages is refused."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.activities import task
from hub.actions.people.assign import assign_many
from hub.actions.setup import groups, smart_list, team
from hub.actions.setup.groups import ANY, Change
from hub.clock import FixedClock
from hub.crm import owners
from hub.crm.owners import Availability, Person
from hub.errors import ActionError
from hub.etl.groups import Group, NewMember, apply_groups
from hub.etl.route import route_unowned
from hub.lists.document import read
from hub.settings.managed import Managed, managed
from tests.acting import OPERATOR, by
from tests.db.conftest import seed_leads
from tests.flow.conftest import World, prepared

ANN, BOB, CID, DOT = (f"{name}@owners.example.com" for name in ("ann", "bob", "cid", "dot"))
EAST = [ANN, BOB, CID]
YAML = f"""\
people:
  - {{email: {ANN}, name: Ann}}
  - email: {BOB}
    name: Bob
    active: false
    notify: {{lead_assigned: {{email: false}}}}
groups:
  - name: Sales
    members:
      - {ANN}
      - {{email: {BOB}, weight: 2}}
routing:
  rules:
    - {{name: all, assign: group:East}}
    - {{name: two, assign: user:{DOT}}}
  fallback: group:Sales
"""


@prepared
def house(world: World) -> World:
    """Four users, a group `East` of three of them, forty leads without an owner."""
    with world.db.engine.begin() as conn:
        people = [Person(m, m[:3].title(), True, "Europe/Paris", {}) for m in (*EAST, DOT)]
        owners.apply_people(conn, people)
        groups.add(by(conn), "East", "lead", EAST)
        seed_leads(conn, 40)
    return world


def leads(conn: Connection) -> list[int]:
    return list(conn.execute(text("SELECT id FROM crm.lead ORDER BY id")).scalars())


def taken(conn: Connection, n: int, clock: Any = None) -> str:
    """Give leads to the group one after the other; returns the first letters of who got them."""
    ctx = by(conn, OPERATOR, clock) if clock else by(conn)
    got = [assign_many(ctx, "lead", [lead], "East").owners for lead in leads(conn)[:n]]
    known = {u.id: u.email[0] for u in owners.every_user(conn)}
    with_owner = conn.execute(
        text("SELECT user_id FROM ops.assignment ORDER BY id DESC LIMIT :n"), {"n": n}
    )
    assert len(got) == n
    return "".join(known[i] for i in reversed(list(with_owner.scalars())))


def refused(act: Callable[[], Any], code: str, *words: str) -> None:
    with pytest.raises(ActionError) as caught:
        act()
    said = f"{caught.value.message} | {caught.value.hint}"
    assert caught.value.code == code, said
    assert all(word in said for word in words), said


def test_what_is_set_of_members_decides_who_is_next(house: World) -> None:
    with house.db.engine.begin() as conn:
        ctx = by(conn)
        assert taken(conn, 4) == "abca"
        assert groups.show(ctx, "east").next == BOB
        moved = groups.edit_member(ctx, "East", CID, Change(position=1))
        assert [m.email for m in moved.members] == [CID, ANN, BOB]
        assert taken(conn, 4) == "bcab"  # bob was next, and stays next
        groups.edit_member(ctx, "East", CID, Change(is_paused=True))
        assert groups.show(ctx, "East").members[0].state == "paused"
        assert taken(conn, 3) == "aba"
        groups.edit_member(ctx, "East", CID, Change(is_paused=False, weight=4))
        assert Counter(taken(conn, 12)) == {"a": 2, "b": 2, "c": 8}
        team.deactivate(ctx, CID, to=[ANN])
        assert groups.show(ctx, "East").members[0].state == "deactivated"
        owned = {m.email: m.open for m in groups.show(ctx, "East").members}
        full = groups.edit_member(ctx, "East", ANN, Change(capacity=owned[ANN]))
        assert full.members[1].state == f"full ({owned[ANN]} of {owned[ANN]})"
        assert full.next == BOB
        freed = groups.edit_member(ctx, "East", ANN, Change(capacity=ANY))
        assert (freed.members[1].state, freed.members[1].capacity) == ("available", None)
        gone = groups.remove_member(ctx, "East", BOB)
        assert [m.email for m in gone.members] == [CID, ANN]
        assert (
            groups.add_member(ctx, "East", BOB, Change(weight=2, position=1)).members[0].weight == 2
        )


def test_leave_is_from_the_first_to_the_last_day_in_the_users_zone(house: World) -> None:
    with house.db.engine.begin() as conn:
        clock = FixedClock(datetime(2026, 12, 20, 12, tzinfo=UTC))
        ctx = by(conn, OPERATOR, clock)
        card = team.away(ctx, BOB, since="2026-12-21", until="2026-12-22")
        assert card.state == "away from 2026-12-21 until 2026-12-22"
        assert taken(conn, 3, clock) == "abc"
        clock.at = datetime(2026, 12, 20, 23, 0, tzinfo=UTC)  # midnight in Paris
        assert taken(conn, 3, clock) == "aca"
        assert team.show(ctx, BOB).state == "away until 2026-12-22"
        clock.at = datetime(2026, 12, 22, 22, 59, tzinfo=UTC)
        assert groups.show(ctx, "East").members[1].state == "away until 2026-12-22"
        clock.at = datetime(2026, 12, 22, 23, 0, tzinfo=UTC)
        assert team.show(ctx, BOB).state == "active"
        assert taken(conn, 2, clock) == "bc"
        team.away(by(conn, CID, clock), CID)  # users say so of themselves
        team.pause(ctx, BOB)
        assert (team.show(ctx, CID).state, team.show(ctx, BOB).state) == ("away", "paused")
        assert taken(conn, 2, clock) == "aa"
        assert team.back(ctx, BOB).state == team.back(ctx, CID).state == "active"
        refused(lambda: team.away(ctx, BOB, until="2026-12-01"), "invalid", "is before")
        refused(lambda: team.away(ctx, BOB, since="soon"), "invalid", "not a date")


def test_route_asks_the_clock_too(house: World) -> None:
    with house.db.engine.begin() as conn:
        conn.execute(text("UPDATE crm.distribution_group SET name = 'old' WHERE name = 'sales'"))
        groups.rename(by(conn), "East", "sales")
        team.away(by(conn), BOB)
    route_unowned(house.hub, bulk=True)
    share = Counter(
        row.email for row in house.rows(
            'SELECT u.email FROM crm.lead l JOIN crm."user" u ON u.id = l.owner_id')
    )  # fmt: skip
    assert share == {ANN: 20, CID: 20}


def test_who_leaves_gives_the_open_records_to_others(house: World) -> None:
    with house.db.engine.begin() as conn:
        ctx = by(conn)
        assign_many(ctx, "lead", leads(conn)[:6], ANN)
        conn.execute(
            text("UPDATE crm.lead SET archived_at = now() WHERE id = :i"), {"i": leads(conn)[0]}
        )
        task.add(ctx, {"content": "Ring"}, on=f"lead/{leads(conn)[1]}", owner=ANN)
        task.add(ctx, {"content": "Order paper"}, owner=ANN)
        assert team.show(ctx, ANN).open == {"leads": 5, "tasks": 2}
        refused(lambda: team.deactivate(ctx, ANN), "conflict", "5 leads, 2 tasks", "--to", "--keep")
        refused(lambda: team.deactivate(ctx, ANN, to=["West"]), "not_found", "West")
        refused(lambda: team.deactivate(ctx, ANN, to=[ANN]), "invalid", "cannot take")
        assert team.show(ctx, ANN).state == "active"
        own = {"object": "lead", "filter": {"field": "owner", "op": "is", "value": ANN}}
        smart_list.add(ctx, "Ann's", read(own))
    with pytest.raises(ActionError, match="can take"):
        _leave_to_nobody(house)
    with house.db.engine.begin() as conn:
        ctx = by(conn)
        assert team.show(ctx, ANN).state == "active", "all of it or nothing"
        routed = Managed(routed={ANN: ("hub.yaml:12",)})
        refused(
            lambda: team.deactivate(ctx, ANN, to=["East"], managed=routed),
            "conflict",
            "hub.yaml:12",
        )
        team.edit(ctx, ANN, name="Anne")
        done = team.deactivate(ctx, ANN, to=["East"])
        assert done.lists == ["Ann's"]
        (shown,) = smart_list.shown(ctx, [smart_list.find(ctx, "Ann's")])
        assert (shown.broken, ANN in str(shown.saved.document.filter)) == ((), True)
        # the task on a lead goes with it, the one on nothing has nowhere to go
        assert (done.given, done.kept) == ({"leads": 5, "tasks": 1}, {"tasks": 1})
        assert team.show(ctx, ANN).open == {"tasks": 1}
        later = team.deactivate(ctx, ANN, to=[f"user:{DOT}"])
        assert (later.given, team.show(ctx, DOT).open) == ({"tasks": 1}, {"tasks": 1})
        assert team.activate(ctx, ANN).state == "active"
        kept = team.deactivate(ctx, BOB, keep=True)
        assert (kept.given, kept.kept) == ({}, team.show(ctx, BOB).open)
        shares = {m.email: m.open for m in groups.show(ctx, "East").members}
        assert sum(shares.values()) == 5
        assert shares[ANN] == 0
    told = house.rows("SELECT event FROM ops.outbox WHERE event LIKE 'bulk%'")
    assert Counter(row.event for row in told) == {"bulk_assigned": 3, "bulk_reassigned_away": 1}


def _leave_to_nobody(house: World) -> None:
    with house.db.engine.begin() as conn:
        for member in (BOB, CID):
            team.away(by(conn), member)
        team.deactivate(by(conn), ANN, to=["East"])


def test_what_hub_yaml_manages_is_refused_with_its_line(house: World, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(YAML)
    known = managed(file)
    assert known.routed == {DOT: (f"{file}:15",)}
    assert known.preferences == {(BOB, "lead_assigned"): f"{file}:6"}
    with house.db.engine.begin() as conn:
        ctx = by(conn)
        conn.execute(text("UPDATE crm.distribution_group SET name = 'old' WHERE name = 'sales'"))
        groups.add(ctx, "Sales", "lead", [ANN, BOB])
        for act, line in (
            (lambda: groups.rename(ctx, "Sales", "West", managed=known), 8),
            (lambda: groups.remove(ctx, "sales", managed=known), 8),
            (lambda: groups.add_member(ctx, "Sales", CID, managed=known), 8),
            (lambda: groups.edit_member(ctx, "Sales", BOB, Change(weight=3), managed=known), 11),
            (lambda: groups.remove_member(ctx, "Sales", ANN, managed=known), 10),
            (lambda: groups.remove(ctx, "East", managed=known), 14),
            (lambda: team.edit(ctx, ANN, name="Anne", managed=known), 2),
            (lambda: team.deactivate(ctx, ANN, keep=True, managed=known), 2),
            (lambda: team.activate(ctx, BOB, managed=known), 3),
            (lambda: team.deactivate(ctx, DOT, keep=True, managed=known), 15),
        ):
            refused(act, "conflict", f"{file}:{line}")
        change = Change(capacity=3, is_paused=True)
        member = groups.edit_member(ctx, "Sales", BOB, change, managed=known).members[1]
        assert (member.capacity, member.state) == (3, "paused")
        team.away(ctx, ANN, managed=known)
        assert team.deactivate(ctx, BOB, keep=True, managed=known).email == BOB
        assert groups.show(ctx, "Sales", known).managed_by == f"{file}:8"
        assert groups.remove_member(ctx, "East", CID, managed=known).managed_by == "commands"


def test_a_command_stands_until_hub_yaml_says_something_else(house: World) -> None:
    def applied(conn: Connection, member: NewMember, leave: Availability) -> tuple[Any, Any]:
        owners.apply_people(conn, [Person(ANN, "Ann", True, "UTC", {}, availability=leave)])
        apply_groups(conn, [Group("East", [BOB, member])])
        card = groups.show(by(conn), "East")
        assert [m.email for m in card.members] == [BOB, ANN]
        return card.members[1].capacity, team.show(by(conn), ANN).state

    ten, five = NewMember(ANN, capacity=10), NewMember(ANN, capacity=5)
    with house.db.engine.begin() as conn:
        assert applied(conn, ten, Availability(is_paused=True)) == (10, "paused")
        groups.edit_member(by(conn), "East", ANN, Change(capacity=7))
        team.back(by(conn), ANN)
        assert applied(conn, ten, Availability(is_paused=True)) == (7, "active")
        assert applied(conn, five, Availability(is_paused=True)) == (5, "active")
        assert applied(conn, NewMember(ANN), Availability()) == (None, "active")
        team.pause(by(conn), ANN)
        assert applied(conn, NewMember(ANN, weight=3), Availability()) == (None, "paused")


def test_names_and_numbers_that_cannot_be_are_refused(house: World) -> None:
    with house.db.engine.begin() as conn:
        ctx = by(conn)
        for act, code, word in (
            (lambda: groups.show(ctx, "Eats"), "not_found", "East"),
            (lambda: groups.add(ctx, "EAST"), "duplicate", "East"),
            (lambda: groups.add(ctx, "a@b"), "invalid", "name"),
            (lambda: groups.add(ctx, "Desk", "ticket"), "invalid", "deal"),
            (
                lambda: groups.add(ctx, "Desk", members=["x@y.example.com"]),
                "not_found",
                "user list",
            ),
            (lambda: groups.add_member(ctx, "East", ANN), "duplicate", "member edit"),
            (
                lambda: groups.edit_member(ctx, "East", DOT, Change(weight=1)),
                "not_found",
                "not a member",
            ),
            (lambda: groups.edit_member(ctx, "East", ANN, Change(weight=-1)), "invalid", "weight"),
            (
                lambda: groups.edit_member(ctx, "East", ANN, Change(capacity=-2)),
                "invalid",
                "capacity",
            ),
            (lambda: team.show(ctx, "x@y.example.com"), "not_found", "user list"),
            (lambda: team.add(ctx, ANN.upper(), "Ann"), "duplicate", "activate"),
            (lambda: team.add(ctx, "nobody", "No"), "invalid", "e-mail"),
            (lambda: team.edit(ctx, ANN, role="boss"), "invalid", "manager"),
            (lambda: team.edit(ctx, ANN, zone="Mars"), "invalid", "Europe/Paris"),
        ):
            refused(act, code, word)
        assert team.add(ctx, "eve@owners.example.com", "Eve", role="admin").state == "active"
        assert team.edit(ctx, "EVE@owners.example.com", name="Eva").name == "Eva"
        again = groups.remove(ctx, "East")
        assert (again.name, groups.add(ctx, "East", "deal").members) == ("East", [])
