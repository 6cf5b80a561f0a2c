"""A migration: a dry run does what the real run does, a killed one continues, undo takes it back."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url

from hub.actions.batches import migrate
from hub.actions.batches.undo import undo_batch
from hub.actions.people.edit import edit
from hub.cli.reconcile_page import render
from hub.clock import SystemClock
from hub.connectors.base import Cursor, Page, Stream, Window
from hub.db.embedded import SUPERUSER, Server
from hub.db.locks import only_one
from hub.db.place import Place, embedded_urls
from hub.errors import ActionError, ConfigError, TransientError
from hub.etl import flow
from hub.etl.waiting import unfinished_n
from hub.landing.refusals import of_batch
from hub.migration import adopting, loading, reading, rehearsal
from hub.model.verdicts import Op
from hub.settings import Settings
from hub.views.reconciliation import Reject, line, reconciliation, reject_reasons
from hub.views.reconciliation import records as proved
from tests.acting import acting, done
from tests.flow.conftest import HandConnector, World, hubspot_contact, salesforce_lead
from tests.flow.migrating import hold, made, migrating, org
from tests.flow.test_undo import but_turns, crm

WHO = acting("operator")
_NAMES = (
    "Abara", "Bellini", "Castro", "Dubois", "Eriksen", "Fontana", "Garnier", "Haddad", "Ivanova",
    "Jansen", "Kowalski", "Lindqvist", "Marchetti", "Novak", "Oliveira", "Petit", "Quintero",
    "Rossi", "Schneider", "Tanaka",
)  # fmt: skip


@pytest.fixture
def place(world: World, server: Server, settings: Settings) -> Place:
    name = make_url(world.db.owner_url).database
    assert name is not None
    root = server.url(SUPERUSER, database=name)
    urls = embedded_urls(server, name)
    return Place(urls, root, settings.home, SystemClock(), is_embedded=True, backs_up=False)


def fill(world: World) -> None:
    """A source with a duplicate, a refused mail address, a deleted and an unowned lead."""
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", lifecyclestage="lead"
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Léa", LastName="Moreau", Email="lea@moreau.example.com",
                        Title="Head of Sales"),
        salesforce_lead(2, LastName="Okafor", Email="no address", Company="Okafor Ltd"),
        salesforce_lead(3, LastName="Kerbrat", Email="gwen@kerbrat.example.com", OwnerId="005000000000001AAA"),
        salesforce_lead(4, op=Op.DELETE, LastName="Gone"),
        *(salesforce_lead(10 + n, LastName=name, Email=f"{name.lower()}@firm.example.com")
          for n, name in enumerate(_NAMES)),
    )  # fmt: skip


@contextmanager
def owner(world: World) -> Iterator[Connection]:
    """A connection that may change the schema."""
    engine = create_engine(world.db.owner_url)
    with engine.begin() as conn:
        yield conn
    engine.dispose()


def records(world: World, batch: int) -> dict[tuple[str, str], dict[str, Any]]:
    with world.db.engine.begin() as conn:
        return {r.key: r.document() for r in proved(conn, batch)}


def test_dry_run_changes_nothing_and_the_real_run_does_what_it_said(
    world: World, place: Place
) -> None:
    fill(world)
    before = crm(world)
    told = world.rows("SELECT count(*) AS n FROM ops.outbox")[0].n

    tried = migrate.dry_run(world.hub, place, WHO, "salesforce")

    assert crm(world) == before
    assert world.rows("SELECT count(*) AS n FROM ops.outbox")[0].n == told
    batch = tried.migration.batch.id
    assert tried.rehearsed is not None
    (leads,) = [one for one in tried.rehearsed.ledgers if one.stream == "leads"]
    assert leads.holds
    assert leads.verdicts == {"created": 22, "merged": 1, "deleted": 1}
    assert [(r.field, r.n) for r in tried.rehearsed.refusals] == [("email", 1)]
    # no user of the source has this id, so the dry run asks
    asked = [(q.kind, q.what, q.records) for q in tried.rehearsed.questions]
    assert asked == [("owner", "005000000000001AAA: no user has this name", 1)]
    planned = records(world, batch)
    lea = planned["leads", salesforce_lead(1).source_id]
    assert (lea["verdict"], lea["kind"], lea["new"]) == ("merged", "lead", False)
    assert lea["fields"]["title"] == [None, "Head of Sales"]
    gwen = planned["leads", salesforce_lead(3).source_id]
    assert gwen["new"]
    assert gwen["owner"] is not None

    real = migrate.apply_plan(world.hub, place, WHO, batch)

    assert real.applied is not None
    assert not real.is_replanned
    assert real.applied.differences == []
    assert real.migration.state == "done"
    assert [e.verdicts for e in real.applied.ledgers if e.stream == "leads"] == [leads.verdicts]
    assert not world.rows("SELECT FROM pg_database WHERE datname LIKE 'hub_rehearsal%'")
    assert not world.rows("SELECT FROM landing.planned")


def test_what_names_a_refused_deal_is_refused_by_the_plan_too_and_nothing_waits(
    world: World, place: Place
) -> None:
    objects = org()
    refused = made("006D1", Name="Odd", StageName="Haggling", AccountId="001F1")
    lead = made("00Q1", LastName="Lune", Email="lune@lune.example", ConvertedDate="2024-06-01T10:00:00Z",
                ConvertedContactId="003L1", ConvertedAccountId="001F1", ConvertedOpportunityId="006D1")  # fmt: skip
    task = made("00T1", Subject="Call back", DealId="006D1")
    hold(
        migrating(world), {**objects, "opportunities": [refused], "leads": [lead], "tasks": [task]}
    )
    before = but_turns(crm(world))

    batch = migrate.dry_run(world.hub, place, WHO, "salesforce").migration.batch.id
    planned = {key: one["verdict"] for key, one in records(world, batch).items()}
    real = migrate.apply_plan(world.hub, place, WHO, batch)

    rejected = {key[0] for key, verdict in planned.items() if verdict == "rejected"}
    assert rejected == {"opportunities", "tasks"}
    assert None not in planned.values()
    assert real.applied is not None
    assert real.applied.differences == []
    with world.db.engine.begin() as conn:
        assert unfinished_n(conn, batch) == 0  # the converted lead names the deal too
        reasons = [(r.reason, r.value) for r in of_batch(conn, batch) if r.stream == "tasks"]
    waits = "that was refused or has not arrived; it is loaded by itself when that record arrives"
    assert reasons == [(f"it names a record of opportunities {waits}", "opportunities/006D1")]
    undo_batch(world.db.engine, WHO, batch)
    assert but_turns(crm(world)) == before


def test_what_changed_in_between_is_planned_again(world: World, place: Place) -> None:
    fill(world)
    batch = migrate.dry_run(world.hub, place, WHO, "salesforce").migration.batch.id
    (lead,) = world.rows("SELECT id FROM crm.lead WHERE email = 'lea@moreau.example.com'")
    with world.db.engine.begin() as conn:
        done(conn, edit, "operator", f"lead/{lead.id}", {"title": "Director"})

    real = migrate.apply_plan(world.hub, place, WHO, batch)

    assert real.applied is not None
    assert real.is_replanned
    assert real.applied.differences == []
    assert "title" not in records(world, batch)["leads", salesforce_lead(1).source_id][
        "fields"
    ] or (
        world.rows("SELECT title FROM crm.lead WHERE email = 'lea@moreau.example.com'")[0].title
        == "Director"
    )


def test_a_difference_is_listed(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change at the vendor while the plan is applied is not in the plan; the report shows it."""
    fill(world)
    batch = migrate.dry_run(world.hub, place, WHO, "salesforce").migration.batch.id
    world.add("hubspot", "contacts", hubspot_contact(
        7, at=99, firstname="Gwen", lastname="Kerbrat", email="gwen@kerbrat.example.com",
        lifecyclestage="lead",
    ))  # fmt: skip
    monkeypatch.setattr(loading, "is_stale", lambda *_: False)
    flow.sync(world.hub, ["hubspot"])

    real = migrate.apply_plan(world.hub, place, WHO, batch)

    assert real.applied is not None
    told = {(d.source_id, d.what): (d.planned, d.done) for d in real.applied.differences}
    assert told[salesforce_lead(3).source_id, "verdict"] == ("created", "merged")


def test_a_second_run_writes_nothing_and_undo_takes_all_back(world: World) -> None:
    fill(world)
    before = crm(world)
    first = migrate.run(world.hub, WHO, "salesforce")
    assert first.applied is not None
    assert first.applied.holds
    loaded = crm(world)

    again = migrate.run(world.hub, WHO, "salesforce")

    assert again.applied is not None
    assert again.migration.batch.id != first.migration.batch.id
    assert crm(world) == loaded
    assert [e.verdicts for e in again.applied.ledgers if e.stream == "leads"] == [{"unchanged": 24}]
    undo_batch(world.db.engine, WHO, again.migration.batch.id)
    undo_batch(world.db.engine, WHO, first.migration.batch.id)
    assert but_turns(crm(world)) == but_turns(before)
    third = migrate.run(world.hub, WHO, "salesforce")
    assert third.applied is not None
    assert [e.verdicts for e in third.applied.ledgers if e.stream == "leads"] == [
        {"created": 22, "merged": 1, "deleted": 1}
    ]


class Killed(BaseException):
    """The process was killed."""


@pytest.mark.parametrize("at", ["read", "land", "normalize", "match", "load", "route"])
def test_a_killed_migration_continues(
    world: World, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    world.salesforce.page_size = 7
    monkeypatch.setattr(adopting, "CHUNK", 7)

    def on_page(page: reading.Progress) -> None:
        if at == "read" and page.stream == "leads":
            raise Killed

    def on_landed(_: int) -> None:
        if at == "land":
            raise Killed

    def say(step: str) -> None:
        if step == at and at != "read":
            raise Killed

    with pytest.raises(Killed):
        migrate.run(world.hub, WHO, "salesforce", migrate.Watch(
            say=say if at != "land" else lambda _: None, on_page=on_page, on_landed=on_landed
        ))  # fmt: skip

    went_on = migrate.run(world.hub, WHO, "salesforce")

    assert went_on.applied is not None
    assert went_on.applied.holds
    assert [e.verdicts for e in went_on.applied.ledgers if e.stream == "leads"] == [
        {"created": 22, "merged": 1, "deleted": 1}
    ]
    assert len(world.rows("SELECT FROM ops.batch WHERE kind = 'migrate'")) == 1


def test_a_hidden_record_is_named_and_nothing_is_loaded_unless_told_so(world: World) -> None:
    fill(world)
    before = crm(world)
    world.salesforce.hidden = {salesforce_lead(3).source_id}

    short = migrate.run(world.hub, WHO, "salesforce")

    assert short.read is not None
    assert [(r.stream, r.state, r.reason) for r in short.read.unproven] == [
        ("leads", "short", "the source counted 23, handed out 22")
    ]
    assert short.applied is None
    assert short.migration.state == "planned"
    assert crm(world) == before

    loaded = migrate.run(world.hub, WHO, "salesforce", incomplete=True)

    assert loaded.applied is not None
    assert not loaded.applied.holds
    assert loaded.migration.state == "failed"
    assert world.rows("SELECT FROM crm.lead WHERE last_name = 'Dubois'")


class Down(HandConnector):
    """A vendor that does not answer."""

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        raise TransientError(f"{stream.name}: no answer")


def test_a_vendor_that_does_not_answer_is_told_and_asked_again(world: World) -> None:
    fill(world)
    sound = world.vendors["salesforce"]
    world.vendors["salesforce"] = Down("salesforce", names=("users", "leads"))

    down = migrate.run(world.hub, WHO, "salesforce")

    assert down.read is not None
    assert {fault.part for fault in down.read.faults} == {"users", "leads"}
    assert down.applied is None
    world.vendors["salesforce"] = sound
    up = migrate.run(world.hub, WHO, "salesforce")
    assert up.applied is not None
    assert up.applied.holds
    assert up.migration.batch.id == down.migration.batch.id


class Flaky(HandConnector):
    """A vendor that fails in the middle of one stream."""

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        if stream.name == "users":
            raise TransientError("salesforce: 503 for the fifth time")
        yield from super().read(stream, window)


def test_a_range_that_fails_stops_no_other(world: World) -> None:
    fill(world)
    sound = world.vendors["salesforce"]
    world.vendors["salesforce"] = Flaky("salesforce", sound.objects, names=("users", "leads"))

    half = migrate.read_source(world.hub, WHO, "salesforce")

    assert half.read is not None
    assert [(r.stream, r.state) for r in half.read.unproven] == [("users", "failed")]
    world.vendors["salesforce"] = sound
    whole = migrate.read_source(world.hub, WHO, "salesforce")
    assert whole.read is not None
    assert whole.read.is_complete
    assert whole.migration.batch.id == half.migration.batch.id


def test_a_later_version_of_a_sync_is_kept(world: World) -> None:
    """A record that a sync brings while the migration is read is not replaced by the older one."""
    fill(world)
    migrate.read_source(world.hub, WHO, "salesforce")
    world.salesforce.objects["leads"].append(
        salesforce_lead(3, at=500, LastName="Kerbrat", Email="gwen@new.example.com")
    )
    flow.sync(world.hub, ["salesforce"])

    migrate.run(world.hub, WHO, "salesforce")

    (lead,) = world.rows("SELECT email FROM crm.lead WHERE last_name = 'Kerbrat'")
    assert lead.email == "gwen@new.example.com"


def test_the_sync_that_follows_brings_what_changed(world: World) -> None:
    fill(world)
    migrate.run(world.hub, WHO, "salesforce")
    world.salesforce.objects["leads"].append(
        salesforce_lead(3, at=500, LastName="Kerbrat", Email="gwen@new.example.com")
    )

    report = flow.sync(world.hub, ["salesforce"])

    assert report.holds
    (leads,) = [one for one in report.ledgers if one.stream == "leads"]
    assert leads.seen < 5, "the sync begins where the migration was frozen"
    (lead,) = world.rows("SELECT email FROM crm.lead WHERE last_name = 'Kerbrat'")
    assert lead.email == "gwen@new.example.com"


def test_a_plan_can_be_discarded(world: World, place: Place) -> None:
    fill(world)
    batch = migrate.dry_run(world.hub, place, WHO, "salesforce").migration.batch.id

    gone = migrate.discard(world.hub, WHO, batch)

    assert gone.migration.state == "undone"
    assert not world.rows("SELECT FROM landing.planned")
    with pytest.raises(ActionError, match="was discarded: it cannot be applied"):
        migrate.apply_plan(world.hub, place, WHO, batch)
    assert migrate.read_source(world.hub, WHO, "salesforce").migration.batch.id != batch


@pytest.mark.parametrize("table", ["landing.planned", "crm.lead"])
def test_a_full_disk_is_told_and_the_same_command_goes_on(world: World, table: str) -> None:
    fill(world)
    with owner(world) as conn:
        conn.exec_driver_sql(
            "CREATE FUNCTION full_() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW::text LIKE "
            "'%%Okafor%%' THEN RAISE EXCEPTION USING ERRCODE = '53100'; END IF; RETURN NEW; END $$"
        )
        conn.exec_driver_sql(
            f"CREATE TRIGGER full_ BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_()"
        )
    told = "the disk of the database is full"
    if table == "crm.lead":
        with pytest.raises(ConfigError, match=told):
            migrate.run(world.hub, WHO, "salesforce")
    else:  # the range says so, and nothing is loaded
        half = migrate.run(world.hub, WHO, "salesforce")
        assert half.applied is None
        assert half.read is not None
        assert [told in str(one.reason) for one in half.read.unproven] == [True]
    with owner(world) as conn:
        conn.exec_driver_sql(f"DROP TRIGGER full_ ON {table}")

    went_on = migrate.run(world.hub, WHO, "salesforce")

    assert went_on.applied is not None
    assert [e.verdicts for e in went_on.applied.ledgers if e.stream == "leads"] == [
        {"created": 22, "merged": 1, "deleted": 1}
    ]
    assert len(world.rows("SELECT FROM ops.batch WHERE kind = 'migrate'")) == 1


class InPairs(HandConnector):
    """A vendor that may be asked by two threads; none of them gets an answer before the other asks."""

    readers = 2
    both = Barrier(2, timeout=5)

    def another(self) -> "InPairs":
        return self

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        self.both.wait()
        return super().window(stream, cursor)


def test_objects_are_planned_side_by_side(world: World) -> None:
    fill(world)
    vendor = InPairs("salesforce", world.salesforce.objects, names=world.salesforce.names)
    read = migrate.read_source(replace(world.hub, connector=lambda _: vendor), WHO, "salesforce")
    assert read.read is not None
    assert read.read.is_complete
    assert {*read.migration.windows} == {"users", "leads"}


def test_two_dry_runs_at_once_use_no_copy_together(world: World, place: Place) -> None:
    fill(world)
    found = migrate.read_source(world.hub, WHO, "salesforce").migration
    with (
        only_one(world.db.engine, "migration:salesforce"),
        pytest.raises(ActionError, match="another process works on the migration"),
    ):
        rehearsal.rehearse(world.hub, place, found)
    assert rehearsal.rehearse(world.hub, place, found).ledgers


def test_nobody_is_told_at_once(world: World) -> None:
    fill(world)
    told = "SELECT count(*) AS n FROM ops.outbox WHERE event <> 'leads_digest'"
    before = world.rows(told)[0].n

    migrate.run(world.hub, WHO, "salesforce")

    assert world.rows(told)[0].n == before


def test_the_proof_of_a_batch_can_be_taken_apart(world: World) -> None:
    fill(world)
    world.add("salesforce", "leads", salesforce_lead(40, FirstName="", LastName=""))
    batch = migrate.run(world.hub, WHO, "salesforce").migration.batch.id

    with world.db.engine.begin() as conn:
        proof = reconciliation(conn, batch)
        listed = list(proved(conn, batch))
        reasons = reject_reasons(conn, batch)
    assert proof is not None
    (leads,) = [one for one in proof.streams if one.stream == "leads"]
    assert leads.holds
    assert leads.counted is not None
    assert leads.counted + leads.gone == leads.total == sum(leads.verdicts.values())
    own = [one for one in listed if one.stream == "leads"]
    assert Counter(one.verdict for one in own) == leads.verdicts
    lines = ["\t".join(line(one, reasons.get(one.key, ""))) + "\n" for one in own]
    assert sha256("".join(lines).encode()).hexdigest() == leads.checksum
    assert sum(o.records for o in proof.owners) == sum(1 for one in listed if one.kind)
    assert all(s.counted is None or s.counted + s.gone == s.total for s in proof.streams)
    page = render(proof)
    assert "Everything adds up" in page
    # the list may be long: it stands after the signatures, and a printed page repeats the heads
    page = render(replace(proof, rejects=[Reject("leads", "00Q1", "no name")], rejects_n=7))
    assert page.index("Approved") < page.index("Annex: refused records (7)") < page.index("00Q1")
    assert "The annex lists them. State" in page
    assert "--verdict rejected</code> lists all" in page
    assert page.count("<thead>") == page.count("<table>")
    assert leads.checksum in page
