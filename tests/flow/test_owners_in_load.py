"""Load gives new leads their owner as route would: the same owners, turns, pointers, credits and news."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.db.embedded import Server
from hub.errors import ConfigError
from hub.etl import companies, flow, load, new_owners
from hub.etl.load import refold
from hub.records import folding
from hub.settings import Settings
from hub.settings.blocks import RuleSettings
from tests.flow.conftest import (
    World,
    hubspot_contact,
    hubspot_owner,
    new_world,
    salesforce_lead,
    typeform_answer,
    zendesk_ticket,
    zendesk_user,
)
from tests.prepared import fresh_database

SOURCES = ["salesforce", "hubspot", "typeform", "zendesk"]
ANN, BOB, CID = (f"{name}@owners.example.com" for name in ("ann", "bob", "cid"))


@dataclass(frozen=True)
class House:
    """How a team shares its leads; `in_load` says whether load may give the turns of an initial load."""

    groups: tuple[tuple[str, tuple[str, ...]], ...] = (("sales", (ANN, BOB, CID)),)
    rules: tuple[RuleSettings, ...] = ()
    members: str = ""  # what is set of some: an UPDATE of crm.member
    users: str = ""  # the same of crm.user
    in_load: bool = True
    breaks: bool = False  # somebody's leads stay without an owner


def rule(name: str, assign: str, **when: Any) -> RuleSettings:
    return RuleSettings(name=name, assign=assign, when=when)


_EAST = ("east", (BOB, CID))
HOUSES = {
    "a ring": House(),
    "weights": House(members="weight = CASE WHEN u.email LIKE 'ann%' THEN 3 ELSE 1 END"),
    "one is away": House(users="away_from = now() - interval '1 day' WHERE u.email LIKE 'bob%'"),
    "a turn is owed": House(members="credit = CASE WHEN u.email LIKE 'cid%' THEN 4 ELSE 0 END"),
    "rules by field": House(
        groups=(*House.groups, _EAST),
        rules=(
            rule("spain", "group:east", country="ES"),
            rule("talk", f"user:{ANN}", lead_source="phone inquiry"),
            rule("forms", "group:east", source="typeform"),
            rule("vip", f"user:{BOB}", **{"custom_fields.rating": "Hot"}),
            rule("a day", "group:east", created_at="2025-05-04 10:00:00+00:00"),
        ),
    ),
    "the account's owner": House(rules=(rule("ours", "account:owner"),)),
    "a rule names who has left": House(rules=(rule("gone", "user:dan@owners.example.com"),)),
    "a capacity": House(members="capacity = 6", in_load=False, breaks=True),
    "a rule for what is derived": House(
        groups=(*House.groups, _EAST),
        rules=(rule("busy", "group:east", last_activity_at="2025-01-01 00:00:00+00:00"),),
        in_load=False,
    ),
    "nobody is there": House(members="is_paused = true", breaks=True),
    "a group is missing": House(
        rules=(rule("lost", "group:none", country="ES"),), in_load=False, breaks=True
    ),
}  # fmt: skip


@contextmanager
def living(server: Server, settings: Settings, house: House) -> Iterator[World]:
    groups = [{"name": name, "members": list(members)} for name, members in house.groups]
    routing = settings.routing.model_copy(update={"rules": list(house.rules)})
    blocks = Settings.model_validate({**settings.model_dump(), "groups": groups})
    with fresh_database(server) as database:
        world = new_world(database, blocks.model_copy(update={"routing": routing}))
        if house.members:
            with database.engine.begin() as conn:
                conn.execute(
                    text(
                        f'UPDATE crm.member m SET {house.members} FROM crm."user" u '
                        "WHERE u.id = m.user_id"
                    )
                )
        if house.users:
            with database.engine.begin() as conn:
                conn.execute(text(f'UPDATE crm."user" u SET {house.users}'))
        yield world


def fill(world: World, seed: int) -> None:
    """Leads of several sources with dates, owners, companies and doubles, in no order of dates."""
    rng = Random(seed)
    with world.db.engine.begin() as conn:
        firm = {"organization_name": "Northgate Robotics Ltd", "website": "northgate.example"}
        entity = companies.make(conn, firm)
        refold(conn, [entity])
        conn.execute(
            text('UPDATE crm.contact SET owner_id = (SELECT id FROM crm."user" WHERE email = :e)'),
            {"e": CID},
        )
    world.add(
        "hubspot", "owners", hubspot_owner(1, ANN), hubspot_owner(2, "old@owners.example.com")
    )
    for n in range(1, 15):
        day = rng.randint(1, 9)
        host = rng.choice(["northgate.example", f"firm{n}.example"])
        values = {
            "LastName": f"Name{n}",
            "Email": f"p{n}@{host}",
            "CreatedDate": f"2025-05-{day:02d}T10:00:00.000+0000",
            "CountryCode": rng.choice(["ES", "FR"]),
            "LeadSource": rng.choice(["Phone Inquiry", "Web"]),
            "Rating": rng.choice(["Hot", "Cold"]),
            "OwnerId": rng.choice([None, f"005{1:012d}AAA"]),
        }
        if rng.random() < 0.2:
            values |= {"IsConverted": True, "ConvertedDate": "2025-06-01"}
        world.add("salesforce", "leads", salesforce_lead(n, **values))
    for n in range(1, 15):
        day = rng.choice([None, *range(1, 9)])
        world.add(
            "hubspot",
            "contacts",
            hubspot_contact(
                n,
                lastname=f"Name{n}",
                email=f"p{n + rng.choice([0, 50])}@firm{n}.example",
                createdate=f"2025-05-{day:02d}T10:00:00Z" if day else None,
                country=rng.choice(["Spain", "France"]),
                lifecyclestage=rng.choice(["lead", "lead", "customer"]),
                hubspot_owner_id=rng.choice([None, None, "1", "2"]),
            ),
        )
    for n in range(1, 5):
        answers = {"first_name": "Eve", "last_name": f"Form{n}", "email": f"form{n}@f.example"}
        world.add("typeform", "responses", typeform_answer(f"t{n}", at=n, **answers, message="hi"))
    world.add("zendesk", "users", zendesk_user(7, name="Sue Sand", email="sue@sand.example"))
    world.add("zendesk", "tickets", zendesk_ticket(70, requester_id=7, subject="help"))


_TURNS = """
SELECT s.source || '/' || s.source_id AS lead, g.name AS grp, u.email, a.rule, a.reason, a.skipped,
  b.email AS before, n.email AS after
FROM ops.assignment a JOIN crm.lead l ON l.id = a.lead_id JOIN ops.entity e ON e.id = l.entity_id
JOIN ops.source_record s ON s.id = e.anchor_id JOIN crm."user" u ON u.id = a.user_id
LEFT JOIN crm.distribution_group g ON g.id = a.group_id
LEFT JOIN crm."user" b ON b.id = a.next_before LEFT JOIN crm."user" n ON n.id = a.next_after
WHERE a.rule IN ('legacy owner', 'contact''s owner') = :kept ORDER BY a.id
"""
_OWNERS = """
SELECT s.source || '/' || s.source_id AS record, l.kind, u.email FROM (
  SELECT entity_id, owner_id, 'lead' AS kind FROM crm.lead
  UNION ALL SELECT entity_id, owner_id, 'contact' FROM crm.contact WHERE NOT is_organization) l
JOIN ops.entity e ON e.id = l.entity_id JOIN ops.source_record s ON s.id = e.anchor_id
LEFT JOIN crm."user" u ON u.id = l.owner_id ORDER BY 1, 2
"""
_GROUPS = """
SELECT g.name, u.email, g.next_position, m.credit, w.email AS whose FROM crm.distribution_group g
JOIN crm.member m ON m.group_id = g.id JOIN crm."user" w ON w.id = m.user_id
LEFT JOIN crm."user" u ON u.id = g.next_member_id ORDER BY 1, 5
"""
_NEWS = """
SELECT o.event, o.dedupe_key, u.email, o.payload - 'lead_id' - 'user_id' AS payload
FROM ops.outbox o JOIN crm."user" u ON u.id = o.user_id ORDER BY o.id
"""


def outcome(world: World) -> dict[str, Any]:
    kept = sorted(tuple(map(str, row)) for row in world.rows(_TURNS, kept=True))
    told = [tuple(row) for row in world.rows(_NEWS)]
    return {
        "turns": [tuple(row) for row in world.rows(_TURNS, kept=False)],
        "kept": kept,
        "owners": [tuple(row) for row in world.rows(_OWNERS)],
        "groups": [tuple(row) for row in world.rows(_GROUPS)],
        "news": sorted(told, key=repr),
    }


def sync(world: World, house: House) -> None:
    try:
        flow.sync(world.hub, SOURCES)
    except ConfigError:
        assert house.breaks
    else:
        assert not house.breaks


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK", 4)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many turns each chunk of load has given."""
    chunks: list[int] = []
    real = new_owners.NewOwners.decide

    def decide(self: Any, conn: Connection, waiting: Any) -> Any:
        turns = real(self, conn, waiting)
        chunks.append(len(turns.taken) if turns else 0)
        return turns

    monkeypatch.setattr(new_owners.NewOwners, "decide", decide)
    return chunks


@pytest.mark.parametrize("case", [(name, seed) for name in HOUSES for seed in range(2)], ids=str)
def test_load_gives_the_turns_that_route_would_give(
    server: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    given: list[int],
    case: tuple[str, int],
) -> None:
    house, seed = HOUSES[case[0]], case[1]
    with living(server, settings, house) as world:
        fill(world, seed)
        sync(world, house)
        found, in_load = outcome(world), sum(given)
        live(world)
        sync(world, house)
        found_live, in_load_live = outcome(world), sum(given) - in_load
    monkeypatch.setattr(load, "in_order", lambda _conn, _rules: ())
    with living(server, settings, house) as world:
        fill(world, seed)
        sync(world, house)
        assert outcome(world) == found
        live(world)
        sync(world, house)
        assert outcome(world) == found_live
    if house.in_load and not house.breaks:
        assert in_load == len(found["turns"]) > 10, "load gave every turn"
        assert in_load_live == len(found_live["turns"]) - in_load == 3
    assert house.in_load or not in_load


def live(world: World) -> None:
    """Two sources send more leads; these are news."""
    world.add(
        "salesforce",
        "leads",
        salesforce_lead(90, at=900, LastName="Late", CreatedDate="2026-01-03T10:00:00.000+0000"),
        salesforce_lead(91, at=901, LastName="Early", CreatedDate="2025-01-03T10:00:00.000+0000"),
    )
    world.add("hubspot", "contacts", hubspot_contact(92, at=900, lastname="New"))


@pytest.mark.parametrize("at", [2, 3, 5])
def test_a_load_that_is_killed_between_chunks_goes_on_with_the_turns(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch, given: list[int], at: int
) -> None:
    house = HOUSES["rules by field"]
    with living(server, settings, house) as world:
        fill(world, 1)
        sync(world, house)
        whole, in_load = outcome(world), sum(given)
    given.clear()
    with living(server, settings, house) as world:
        fill(world, 1)
        with monkeypatch.context() as patched:
            patched.setattr(load, "load_people", _killed(load.load_people, at))
            with pytest.raises(KeyboardInterrupt):
                flow.sync(world.hub, SOURCES)
        sync(world, house)
        assert outcome(world) == whole
    assert sum(given) == in_load


def _killed(real: Any, at: int) -> Any:
    calls: list[int] = []

    def load_people(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(*arguments)

    return load_people


def test_a_lead_that_waits_for_an_owner_comes_first(world: World, given: list[int]) -> None:
    world.salesforce.objects["leads"] = [salesforce_lead(n, LastName=f"N{n}") for n in range(1, 4)]
    flow.sync(world.hub, ["salesforce"])
    assert sum(given) == 3
    with world.db.engine.begin() as conn:
        conn.execute(text("UPDATE crm.lead SET owner_id = NULL WHERE id = 2"))
    world.add("salesforce", "leads", salesforce_lead(4, LastName="N4", CreatedDate="2020-01-01"))
    flow.sync(world.hub, ["salesforce"])
    assert sum(given) == 3
    assert not world.rows("SELECT 1 FROM crm.lead WHERE owner_id IS NULL")


def test_while_an_initial_load_is_matched_no_turn_of_it_is_given(
    world: World, given: list[int]
) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(n, LastName=f"N{n}", CreatedDate=f"2025-05-{10 - n:02d}")
        for n in range(1, 4)
    ]
    batch = flow.begin(world.hub, "salesforce")
    for counts in flow.land_source(world.hub, batch):
        assert counts
    flow.run_normalize(world.hub)
    with world.db.engine.begin() as conn:
        (first, *others) = conn.execute(
            text("DELETE FROM ops.pending WHERE stage = 'match' RETURNING ref, batch_id")
        ).all()
        _queue(conn, [first])
    flow.run_match(world.hub)
    with world.db.engine.begin() as conn:
        _queue(conn, others)
    flow.run_load(world.hub)
    assert sum(given) == 0
    flow.run_match(world.hub)
    flow.run_load(world.hub)
    flow.run_route(world.hub)
    dates = world.rows(
        "SELECT l.created_at FROM ops.assignment a JOIN crm.lead l ON l.id = a.lead_id ORDER BY a.id"
    )
    assert dates == sorted(dates)
    assert len(dates) == 3


def _queue(conn: Connection, rows: Any) -> None:
    for row in rows:
        conn.execute(
            text(
                "INSERT INTO ops.pending (stage, ref, lane, batch_id) VALUES ('match', :r, 'bulk', :b)"
            ),
            {"r": row.ref, "b": row.batch_id},
        )


def test_new_people_are_read_in_the_order_of_their_dates(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(n, LastName=f"N{n}", CreatedDate=f"2025-05-{10 - n:02d}")
        for n in range(1, 9)
    ]
    batch = flow.begin(world.hub, "salesforce")
    assert [flow.run_normalize(world.hub) for _ in flow.land_source(world.hub, batch)]
    flow.run_match(world.hub)
    with world.db.engine.begin() as conn:
        people, has_bulk = folding.new_in_order(conn)
    assert has_bulk
    assert list(people) == sorted(people, reverse=True)
