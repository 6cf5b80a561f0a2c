"""Derived columns equal a recomputation from scratch, whatever was done before."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.actions.activities import activity, task, timeline
from hub.actions.identity.merge import merge, unmerge
from hub.crm.derived import days_since
from hub.etl import flow, load
from hub.model.verdicts import Op
from hub.records import companies, entities
from tests.acting import done
from tests.flow.conftest import (
    World,
    hubspot_contact,
    salesforce_lead,
    zendesk_ticket,
    zendesk_user,
)

WHO = "operator"
SOURCES = ["hubspot", "salesforce", "zendesk"]
LEADS = 4
T0 = datetime(2026, 2, 1, tzinfo=UTC)
COLUMNS = ("last_activity_at", "last_communication_at", "next_task_at")


def act(world: World, verb: Any, *arguments: Any, **named: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments, **named)


def day(number: int) -> datetime:
    return T0 + timedelta(days=number)


# --- the naive reading: every table into memory, every rule once more in plain Python


def table(world: World, name: str) -> list[Any]:
    return world.rows(f"SELECT * FROM {name} ORDER BY 1")


class Naive:
    """Compute the derived values row by row, from all rows."""

    def __init__(self, world: World) -> None:
        self.parent = {e.id: e.merged_into for e in table(world, "ops.entity")}
        self.contacts = table(world, "crm.contact")
        self.leads = table(world, "crm.lead")
        self.deals = table(world, "crm.deal")
        self.kinds = {
            kind: [row for row in table(world, f"crm.{kind}") if row.archived_at is None]
            for kind in ("note", "call", "visit", "message", "task", "ticket")
        }
        self.records = [
            r for r in table(world, "ops.source_record") if r.target in ("person", "organisation")
        ]

    def root(self, entity: int) -> int:
        while self.parent[entity] is not None:
            entity = self.parent[entity]
        return entity

    def members(self, entity: int) -> set[int]:
        """Entities whose activities count for a root, employees of a company included."""
        own = {e for e in self.parent if self.root(e) == entity}
        companies = {c.id for c in self.contacts if c.is_organization and c.entity_id in own}
        staff = {
            c.entity_id
            for c in self.contacts
            if c.company_id in companies and c.merged_into is None
        }
        return own | {e for e in self.parent if self.root(e) in {self.root(s) for s in staff}}

    def reckon(self, counts: Any, entity: int | None = None) -> tuple[Any, ...]:
        said = [(r.at, True) for r in self._communications(counts)]
        said += [(n.created_at or n.recorded_at, False) for n in self.kinds["note"] if counts(n)]
        tasks = [k for k in self.kinds["task"] if counts(k)]
        said += [(k.completed_at, False) for k in tasks if k.completed_at]
        if entity is not None:
            members = self.members(entity)
            said += [
                (datetime.fromisoformat(r.canonical["last_activity_at"]), False)
                for r in self.records
                if r.entity_id in members and r.canonical.get("last_activity_at")
            ]
        due = [k.due_at for k in tasks if k.due_at and not k.completed_at]
        return (
            max((at for at, _ in said), default=None),
            max((at for at, is_word in said if is_word), default=None),
            min(due, default=None),
        )

    def _communications(self, counts: Any) -> Iterator[Any]:
        for kind, column in (("call", "made_at"), ("visit", "visited_at"), ("message", "sent_at")):
            for row in self.kinds[kind]:
                if counts(row):
                    yield _Moment(getattr(row, column), not getattr(row, "is_incoming", False))
        for row in self.kinds["ticket"]:
            if counts(row) and (row.created_at or row.updated_at):
                yield _Moment(max(filter(None, (row.created_at, row.updated_at))), False)

    def of_entity(self, entity: int) -> tuple[Any, ...]:
        members = self.members(entity)
        return self.reckon(lambda row: row.entity_id in members, entity)

    def of_deal(self, deal: int) -> tuple[Any, ...]:
        return self.reckon(lambda row: getattr(row, "deal_id", None) == deal)

    def response(self, lead: Any) -> datetime | None:
        own = {e for e in self.parent if self.root(e) == lead.entity_id}
        came = min(lead.created_at or lead.recorded_at, lead.recorded_at)
        words = self._communications(lambda row: row.entity_id in own)
        return min((w.at for w in words if w.is_ours and w.at >= came), default=None)


class _Moment:
    def __init__(self, at: datetime, is_ours: bool) -> None:
        self.at, self.is_ours = at, is_ours


def check(world: World) -> None:
    naive = Naive(world)
    for row in (*naive.leads, *naive.contacts):
        if row.merged_into is None and naive.parent[row.entity_id] is None:
            found = tuple(getattr(row, name) for name in COLUMNS)
            assert found == naive.of_entity(row.entity_id), row
    for lead in naive.leads:
        if lead.merged_into is None and naive.parent[lead.entity_id] is None:
            assert lead.first_response_at == naive.response(lead), lead
    for deal in naive.deals:
        assert tuple(getattr(deal, name) for name in COLUMNS) == naive.of_deal(deal.id)


# --- the world: four leads, two of them help-desk users, two contacts, a company, a deal


@pytest.fixture
def peopled(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Entities are loaded one by one: what leaves one for another is seen by neither alone."""
    monkeypatch.setattr(load, "CHUNK", 1)
    for number in range(1, LEADS + 1):
        world.add(
            "salesforce", "leads",
            salesforce_lead(number, LastName=f"Name{number}", Email=f"p{number}@x{number}.example.com",
                            CreatedDate="2026-02-10T00:00:00.000+0000",
                            **({"LastActivityDate": "2026-02-03"} if number == 1 else {})),
        )  # fmt: skip
    world.add(
        "hubspot", "contacts",
        hubspot_contact(1, firstname="Ada", lastname="Kern", email="ada@kern.example.com",
                        lifecyclestage="customer"),
        hubspot_contact(2, firstname="Ole", lastname="Dahl", email="ole@dahl.example.com",
                        lifecyclestage="customer"),
    )  # fmt: skip
    for number in (1, 2):
        world.add(
            "zendesk", "users",
            zendesk_user(number, name=f"Name{number}", email=f"p{number}@x{number}.example.com"),
        )  # fmt: skip
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="It broke", requester_id=1))
    assert flow.sync(world.hub, SOURCES).holds
    for statement in _SETUP:
        world.rows(statement)
    return world


_SETUP = (
    (
        "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, folded_version) "
        "VALUES ('organisation', 0, 0, 'live', 1) RETURNING id"
    ),
    (
        "INSERT INTO crm.contact (entity_id, organization_name, is_organization, batch_id) "
        "SELECT max(id), 'Acme', true, 0 FROM ops.entity RETURNING id"
    ),
    "INSERT INTO crm.pipeline (name, position) VALUES ('Test', 90) RETURNING id",
    (
        "INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active) "
        "SELECT id, 'In', 'incoming', 1, 10, true FROM crm.pipeline WHERE name = 'Test' RETURNING id"
    ),
    (
        "INSERT INTO crm.deal (name, contact_id, pipeline_id, stage_id, currency) "
        "SELECT 'Ovens', (SELECT min(id) FROM crm.contact), s.pipeline_id, s.id, 'EUR' "
        "FROM crm.stage s JOIN crm.pipeline p ON p.id = s.pipeline_id WHERE p.name = 'Test' RETURNING id"
    ),
)


def company(world: World) -> Any:
    return world.rows("SELECT * FROM crm.contact WHERE is_organization")[0]


def people(world: World) -> list[Any]:
    return world.rows("SELECT * FROM crm.contact WHERE NOT is_organization ORDER BY id")


def place(world: World, number: int) -> str:
    """A lead, a contact, the company or the deal."""
    leads = [f"salesforce/leads/00Q{n:012d}AAA" for n in range(1, LEADS + 1)]
    contacts = [f"contact/{c.id}" for c in people(world)]
    deals = [f"deal/{world.rows('SELECT id FROM crm.deal')[0].id}"]
    every = [*leads, *contacts, f"contact/{company(world).id}", *deals]
    return every[number % len(every)]


def employ(world: World, number: int, *, is_there: bool) -> None:
    person = people(world)[number % 2]
    with world.db.engine.begin() as conn:
        if is_there:
            companies.hire(conn, {person.entity_id: company(world).entity_id}, WHO)
        else:
            companies.dismiss(conn, {person.entity_id: company(world).entity_id})
        entities.bump(conn, [person.entity_id])
        load.refold(conn, [person.entity_id])


_moments = iter(range(1_000, 100_000_000))
_STEP = st.tuples(
    st.sampled_from(
        ["task", "task", "note", "call", "message", "visit", "complete", "reopen", "archive", "edit",
         "merge", "merge", "unmerge", "ticket", "untick", "employ", "leave", "create"]
    ),
    st.integers(0, 7),
    st.integers(0, 40),
)  # fmt: skip


@settings(
    max_examples=14,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEP, min_size=4, max_size=14))
def test_after_any_sequence_the_columns_are_what_a_recomputation_gives(
    peopled: World, steps: Sequence[tuple[str, int, int]]
) -> None:
    for verb, number, when in steps:
        _step(peopled, verb, number, day(when))
        check(peopled)


def _step(world: World, verb: str, number: int, at: datetime) -> None:
    if verb in ("task", "note", "call", "message", "visit"):
        _write(world, verb, place(world, number), at)
    elif verb in ("complete", "reopen"):
        _tick(world, verb, number)
    elif verb in ("archive", "edit"):
        _alter(world, verb, number, at)
    elif verb in ("merge", "unmerge"):
        _join(world, verb, number, at)
    elif verb in ("ticket", "untick", "create"):
        _arrive(world, verb, number, at)
    else:
        employ(world, number, is_there=verb == "employ")


def _write(world: World, verb: str, on: str, at: datetime) -> None:
    if verb == "task":
        act(world, task.add, WHO, {"content": "Ring", "due_at": at}, on=on)
        return
    values: dict[str, dict[str, Any]] = {
        "note": {"content": "Hm", "created_at": at},
        "call": {"made_at": at, "is_incoming": at.day % 2 == 0},
        "visit": {"visited_at": at},
        "message": {"kind": "email", "sent_at": at, "is_incoming": at.day % 3 == 0},
    }
    act(world, activity.write, WHO, verb, on, values[verb])


def _tick(world: World, verb: str, number: int) -> None:
    open_ = "IS NULL" if verb == "complete" else "IS NOT NULL"
    tasks = world.rows(
        f"SELECT id FROM crm.task WHERE archived_at IS NULL AND completed_at {open_} ORDER BY id"
    )
    if tasks:
        done = task.complete if verb == "complete" else task.reopen
        act(world, done, WHO, str(tasks[number % len(tasks)].id))


def _alter(world: World, verb: str, number: int, at: datetime) -> None:
    names = {"call": "made_at", "visit": "visited_at", "message": "sent_at", "task": "due_at",
             "note": "created_at"}  # fmt: skip
    kind = list(names)[number % len(names)]
    rows = world.rows(f"SELECT id FROM crm.{kind} WHERE archived_at IS NULL ORDER BY id")
    if rows:
        name = f"{kind}/{rows[number % len(rows)].id}"
        if verb == "archive":
            act(world, activity.archive, WHO, name)
        else:
            act(world, activity.edit, WHO, name, {names[kind]: at})


def _join(world: World, verb: str, number: int, at: datetime) -> None:
    if verb == "unmerge":
        gone = world.rows("SELECT id FROM crm.lead WHERE merged_into IS NOT NULL ORDER BY id")
        if gone:
            act(world, unmerge, WHO, str(gone[number % len(gone)].id))
        return
    one, other = (place(world, n % (LEADS)) for n in (number, at.day))
    roots = [_entity(world, record) for record in (one, other)]
    if roots[0] != roots[1]:
        act(world, merge, WHO, one, other)


def _entity(world: World, record: str) -> int:
    source, stream, source_id = record.split("/")
    (row,) = world.rows(
        "SELECT entity_id FROM ops.source_record WHERE source = :a AND stream = :b "
        "AND source_id = :c AND target = 'person'",
        a=source, b=stream, c=source_id,
    )  # fmt: skip
    return int(row.entity_id)


def _arrive(world: World, verb: str, number: int, at: datetime) -> None:
    moment = next(_moments)
    if verb == "create":
        world.add(
            "salesforce", "leads",
            salesforce_lead(number % LEADS + 1, at=moment, LastName=f"Name{number % LEADS + 1}",
                            Email=f"p{number % LEADS + 1}@x{number % LEADS + 1}.example.com",
                            CreatedDate=at.isoformat(), LastActivityDate=at.date().isoformat()),
        )  # fmt: skip
    elif verb == "ticket":
        world.add(
            "zendesk", "tickets",
            zendesk_ticket(9 + number % 2, at=moment, requester_id=1 + at.day % 2, subject="Again",
                           updated_at=at.isoformat()),
        )  # fmt: skip
    else:
        world.add("zendesk", "tickets", zendesk_ticket(9, at=moment, op=Op.DELETE))
    flow.sync(world.hub, SOURCES)


# --- single claims


def lead(world: World, number: int) -> Any:
    (row,) = world.rows(
        "SELECT l.* FROM crm.lead l JOIN ops.source_record s USING (entity_id) "
        "WHERE s.source_id = :id",
        id=f"00Q{number:012d}AAA",
    )
    return row


def test_a_note_is_an_activity_and_no_communication(peopled: World) -> None:
    act(peopled, activity.write, WHO, "note", place(peopled, 2), {"content": "x"})
    found = lead(peopled, 3)
    assert found.last_activity_at is not None
    assert (found.last_communication_at, found.first_response_at) == (None, None)


def test_the_first_response_is_ours_and_after_the_lead_came(peopled: World) -> None:
    on = place(peopled, 2)
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(1)})
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(20), "is_incoming": True})
    assert lead(peopled, 3).first_response_at is None
    act(peopled, activity.write, WHO, "message", on, {"kind": "chat", "sent_at": day(30)})
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(25)})
    assert lead(peopled, 3).first_response_at == day(25)


def test_a_lead_that_is_dated_ahead_came_when_the_hub_had_it(peopled: World) -> None:
    on = place(peopled, 2)
    with peopled.db.engine.begin() as conn:
        conn.execute(
            text("UPDATE crm.lead SET created_at = now() + interval '9 days', recorded_at = :at"),
            {"at": day(20)},
        )
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(19)})
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(22)})
    assert lead(peopled, 3).first_response_at == day(22)


def test_the_next_task_is_the_one_due_first_and_moves_on_when_it_is_done(peopled: World) -> None:
    on = place(peopled, 3)
    first = act(peopled, task.add, WHO, {"content": "a", "due_at": day(3)}, on=on)
    act(peopled, task.add, WHO, {"content": "b", "due_at": day(5)}, on=on)
    assert lead(peopled, 4).next_task_at == day(3)
    act(peopled, task.complete, WHO, first.name)
    assert lead(peopled, 4).next_task_at == day(5)
    assert lead(peopled, 4).last_activity_at is not None


def test_what_employees_do_counts_for_their_company(peopled: World) -> None:
    on = f"contact/{people(peopled)[0].id}"
    act(peopled, activity.write, WHO, "call", on, {"made_at": day(4)})
    assert company(peopled).last_communication_at is None
    employ(peopled, 0, is_there=True)
    assert company(peopled).last_communication_at == day(4)
    shown = act(peopled, timeline.of, WHO, f"contact/{company(peopled).id}")
    assert [e.kind for e in shown.timeline.items] == ["call"]
    employ(peopled, 0, is_there=False)
    assert company(peopled).last_communication_at is None


def test_a_call_on_a_deal_is_one_with_its_contact(peopled: World) -> None:
    (deal,) = peopled.rows("SELECT * FROM crm.deal")
    act(peopled, activity.write, WHO, "call", f"deal/{deal.id}", {"made_at": day(6)})
    act(peopled, activity.write, WHO, "note", f"deal/{deal.id}", {"content": "n"})
    (deal,) = peopled.rows("SELECT * FROM crm.deal")
    (contact,) = peopled.rows("SELECT * FROM crm.contact WHERE id = :id", id=deal.contact_id)
    assert deal.last_communication_at == contact.last_communication_at == day(6)
    assert deal.last_activity_at > contact.last_activity_at


def test_days_since_a_moment_are_days_of_the_asker_and_never_below_zero() -> None:
    at = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)  # in Paris 23:30
    for hours, paris, utc in (
        (0, 0, 0),
        (0.6, 1, 0),
        (2, 1, 1),
        (48, 2, 2),
        (49, 3, 2),
        (-1, 0, 0),
    ):
        now = at + timedelta(hours=hours)
        assert days_since(at, now.astimezone(ZoneInfo("Europe/Paris"))) == paris
        assert days_since(at, now) == utc
    assert days_since(None, at) is None


def test_a_ticket_is_a_communication_until_it_is_deleted(peopled: World) -> None:
    assert lead(peopled, 1).last_communication_at == datetime(2025, 6, 1, 10, tzinfo=UTC)
    assert lead(peopled, 1).last_activity_at.date().isoformat() == "2026-02-03"
    peopled.add("zendesk", "tickets", zendesk_ticket(9, at=700, op=Op.DELETE))
    flow.sync(peopled.hub, SOURCES)
    assert lead(peopled, 1).last_communication_at is None
