"""Random sequences of what syncs and people do: the CRM is the fold of what remains, and all of it
can be taken back."""

import itertools
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as configured
from hypothesis import strategies as st
from sqlalchemy import text

from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.identity.merge import merge, unmerge
from hub.actions.identity.review import decide, open_pairs
from hub.actions.people.edit import edit, take_back
from hub.db.embedded import Server
from hub.errors import ActionError
from hub.etl import flow
from hub.golden.fold import source_version
from hub.golden.survive import Edit, survive
from hub.model.entities import folded_names
from hub.model.verdicts import Judgement, Op
from hub.records import folding
from hub.settings import Settings
from hub.undo import chunks
from hub.undo.report import Undone
from tests.acting import acting, by, done
from tests.flow.conftest import (
    World,
    hubspot_contact,
    new_world,
    salesforce_lead,
    typeform_answer,
    zendesk_ticket,
    zendesk_user,
)
from tests.prepared import fresh_database

WHO = "operator"
SOURCES = ["salesforce", "hubspot", "typeform", "zendesk"]
PEOPLE = (("Lea", "Moreau"), ("Noah", "Brandt"), ("Max", "Olsen"))
N = 5  # objects a source has at most
number = st.integers(0, N - 1)
arrival = st.tuples(
    st.sampled_from(SOURCES), number, number, st.sampled_from(["CEO", "CTO", ""]), st.booleans()
)
arrivals = st.lists(arrival, min_size=1, max_size=4)
STEP = st.one_of(
    st.tuples(st.just("sync"), arrivals),
    st.tuples(st.just("sync and undo"), arrivals),
    st.tuples(st.just("edit"), number, st.sampled_from(["Lyon", "Oslo", None])),
    st.tuples(st.just("merge"), number, number),
    st.tuples(st.just("unmerge"), number),
    st.tuples(st.just("review"), number, st.booleans()),
    st.tuples(st.just("withdraw"), number),
    st.tuples(st.just("disown"), number),
)
_TABLES = (
    "crm.lead", "crm.contact", "crm.inquiry", "crm.note", "crm.ticket", "ops.consent_event",
)  # fmt: skip


def rows(world: World, *, but: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Every row of people and what hangs on them, in the order of their ids."""
    return {
        name: [r.row for r in world.rows(
            f"SELECT to_jsonb(t) - CAST(:but AS text[]) AS row FROM {name} t ORDER BY id",
            but=list(but))]
        for name in _TABLES
    }  # fmt: skip


class Play:
    """A small house, and the steps that are done in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moments = itertools.count(1_000)

    def act(self, verb: Any, *arguments: Any) -> Any:
        with self.world.db.engine.begin() as conn:
            return done(conn, verb, *arguments)

    def leads(self) -> list[int]:
        """Numbers of the leads that stand on their own."""
        return [r.id for r in self.world.rows(
            "SELECT id FROM crm.lead WHERE merged_into IS NULL ORDER BY id")]  # fmt: skip

    def step(self, verb: str, *how: Any) -> None:
        getattr(self, verb.replace(" ", "_"))(*how)

    def sync(self, arrivals: Sequence[Any]) -> None:
        for source, which, alike, title, is_gone in arrivals:
            self.arrive(source, which, alike, title, is_gone=is_gone)
        flow.sync(self.world.hub, sorted({a[0] for a in arrivals}))

    def sync_and_undo(self, arrivals: Sequence[Any]) -> None:
        before = rows(self.world, but=["archived_at"])
        (last,) = self.world.rows("SELECT coalesce(max(id), 0) AS id FROM ops.batch")
        self.sync(arrivals)
        done = self.world.rows("SELECT id FROM ops.batch WHERE id > :id ORDER BY id", id=last.id)
        no = "SELECT address, channel FROM reporting.consents WHERE state = 'opt_out'"
        said = {tuple(row) for row in self.world.rows(no)}
        routed: set[str] = set()
        for batch in reversed(done):
            report = self.undo(batch.id)
            assert report.edited == report.blocked == []
            routed.update(report.routed)
        after = rows(self.world, but=["archived_at"])
        for lead in (*before["crm.lead"], *after["crm.lead"]):
            if f"lead/{lead['id']}" in routed:
                lead["owner_id"] = None
        del before["ops.consent_event"], after["ops.consent_event"]
        assert after == before, "undo(batch) restores what nobody touched since"
        assert said <= {tuple(row) for row in self.world.rows(no)}, "a no stands"

    def arrive(self, source: str, which: int, alike: int, title: str, *, is_gone: bool) -> None:
        """An object of a source comes, changes, or goes; who it is like is drawn as well."""
        first, last = PEOPLE[alike % len(PEOPLE)]
        mail = f"{last}{alike}@example.com".lower()
        at = next(self.moments)
        op = Op.DELETE if is_gone and title == "" else Op.UPSERT
        if source == "salesforce":
            self.world.add(source, "leads", salesforce_lead(
                which + 1, at=at, op=op, FirstName=first, LastName=last, Email=mail, Title=title,
                Company="Acme"))  # fmt: skip
        elif source == "hubspot":
            stage = "customer" if which % 2 else "lead"
            self.world.add(source, "contacts", hubspot_contact(
                which + 1, at=at, op=op, firstname=first, lastname=last, email=mail,
                jobtitle=title, lifecyclestage=stage))  # fmt: skip
        elif source == "typeform":
            self.world.add(source, "responses", typeform_answer(
                f"{which}" * 12 + f"{at}", at=at, first_name=first, last_name=last, email=mail,
                message=f"Ask {at}"))  # fmt: skip
        else:
            self.world.add(source, "users", zendesk_user(
                which + 1, at=at, name=f"{first} {last}", email=mail))  # fmt: skip
            self.world.add(source, "tickets", zendesk_ticket(
                100 + which, at=at, subject=f"Broken {title}", requester_id=alike + 1))  # fmt: skip

    def edit(self, which: int, city: str | None) -> None:
        if found := self.leads():
            self.act(edit, WHO, str(found[which % len(found)]), {"city": city})

    def merge(self, one: int, other: int) -> None:
        found = self.leads()
        a, b = (found[i % len(found)] for i in (one, other)) if found else (0, 0)
        if a == b:
            return
        before = rows(self.world)
        merged = self.act(merge, WHO, str(a), str(b))
        after = rows(self.world, but=["archived_at"])
        survivor, absorbed = self.lead_of(merged.survivor), self.lead_of(merged.absorbed)
        self.act(edit, WHO, str(survivor), {"industry": "Bakery"})
        self.act(unmerge, WHO, str(absorbed))
        (typed,) = self.world.rows("SELECT industry FROM crm.lead WHERE id = :id", id=survivor)
        assert typed.industry == "Bakery", "an edit after the merge stays with the survivor"
        self.act(take_back, WHO, str(survivor), "industry")
        assert rows(self.world) == before, "unmerge(merge) is the identity, children included"
        self.act(merge, WHO, str(a), str(b))
        assert rows(self.world, but=["archived_at"]) == after

    def lead_of(self, entity: int) -> int:
        (row,) = self.world.rows("SELECT id FROM crm.lead WHERE entity_id = :e", e=entity)
        return int(row.id)

    def unmerge(self, which: int) -> None:
        gone = self.world.rows("SELECT id FROM crm.lead WHERE merged_into IS NOT NULL ORDER BY id")
        if gone:
            self.act(unmerge, WHO, str(gone[which % len(gone)].id))

    def review(self, which: int, is_same: bool) -> None:
        with self.world.db.engine.begin() as conn:
            pairs = open_pairs(by(conn))
        if pairs:
            pair = pairs[which % len(pairs)]
            judgement = Judgement.SAME if is_same else Judgement.DIFFERENT
            self.act(decide, WHO, pair.a, pair.b, judgement)

    def withdraw(self, which: int) -> None:
        found = self.world.rows("SELECT id FROM ops.batch WHERE kind = 'sync' ORDER BY id")
        if found:
            with suppress(ActionError):
                self.undo(found[which % len(found)].id)

    def undo(self, batch: int) -> Undone:
        """Undo a batch in chunks of one object or in one chunk; it does what was said before."""
        engine = self.world.db.engine
        said = preview_undo(engine, acting(WHO), batch).document()
        with pytest.MonkeyPatch.context() as patch:
            if batch % 2:
                patch.setattr(chunks, "MOST", 1)
            report = undo_batch(engine, acting(WHO), batch)
        assert {**said, "undo": 0} == {**report.document(), "undo": 0}
        return report

    def disown(self, which: int) -> None:
        """A user takes the owner away from a lead."""
        if found := self.leads():
            with self.world.db.engine.begin() as conn:
                conn.execute(
                    text("UPDATE crm.lead SET owner_id = NULL WHERE id = :id"),
                    {"id": found[which % len(found)]},
                )

    def check(self) -> None:
        """The CRM has exactly the people of the remaining records, each as the fold of these records says."""
        with self.world.db.engine.begin() as conn:
            living = list(conn.execute(text(
                "SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person' "
                "AND withdrawn_by IS NULL")).scalars())  # fmt: skip
            assert None not in living
            records = folding.records_of(conn, living)
            edits = folding.edits_of(conn, living)
        for table, entity in (("lead", "lead"), ("contact", "contact")):
            found = {r.entity_id: r for r in self.world.rows(
                f"SELECT * FROM crm.{table} WHERE merged_into IS NULL")}  # fmt: skip
            assert found.keys() <= records.keys(), f"{table}s whom no record stands for"
            for who, row in found.items():
                golden = survive(
                    [source_version(r) for r in records[who]],
                    [Edit(e.field, e.value, e.at.isoformat(), e.who) for e in edits.get(who, ())],
                ).values
                if table == "contact" and row.archived_at is not None:
                    continue
                for name in folded_names(entity):
                    if name != "created_at":
                        assert (getattr(row, name) or None) == (golden.get(name) or None), name
        self.check_children(set(records))

    def check_children(self, living: set[int]) -> None:
        hanging = self.world.rows(
            "SELECT i.entity_id, s.withdrawn_by, p.entity_id AS of FROM crm.inquiry i "
            "JOIN ops.source_record s ON s.id = i.record_id "
            "JOIN ops.source_record p USING (source, stream, source_id) WHERE p.target = 'person'"
        )
        assert all(r.withdrawn_by is None and r.entity_id == r.of for r in hanging)
        tickets = self.world.rows(
            "SELECT t.entity_id, u.entity_id AS of FROM crm.ticket t LEFT JOIN ops.source_record u "
            "ON u.source = t.source AND u.source_id = t.requester AND u.target = 'person' "
            "AND u.stream = 'users'"
        )
        assert all(r.entity_id == r.of for r in tickets)
        merged = self.world.rows(
            "WITH RECURSIVE up AS (SELECT id, merged_into, anchor_id, id AS e FROM ops.entity "
            "WHERE merged_into IS NOT NULL AND kind = 'person' "
            "UNION SELECT n.id, n.merged_into, u.anchor_id, u.e FROM up u "
            "JOIN ops.entity n ON n.id = u.merged_into) "
            "SELECT u.e, u.id AS root, s.entity_id FROM up u JOIN ops.source_record s "
            "ON s.id = u.anchor_id WHERE u.merged_into IS NULL AND s.entity_id IS NOT NULL"
        )
        assert all(r.root == r.entity_id for r in merged), "who was merged is where his record is"


# each example has a database of its own
@configured(
    max_examples=int(os.environ.get("PLAYS", "14")),
    deadline=None,
    derandomize="PLAYS" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=arrivals, steps=st.lists(STEP, min_size=2, max_size=7))
def test_after_any_sequence_the_crm_is_the_fold_of_what_remains(
    server: Server, settings: Settings, first: Sequence[Any], steps: Sequence[Any]
) -> None:
    with fresh_database(server) as db:
        play = Play(new_world(db, settings))
        play.sync(first)
        for verb, *how in steps:
            play.step(verb, *how)
        play.check()


def _three(world: World) -> tuple[Play, list[int]]:
    play = Play(world)
    play.sync([("salesforce", which, which, "", False) for which in range(3)])
    return play, play.leads()


def _owners(play: Play) -> dict[int, int | None]:
    return {r.id: r.owner_id for r in play.world.rows("SELECT id, owner_id FROM crm.lead")}


def test_an_owner_that_was_taken_over_goes_back(world: World) -> None:
    play, (one, two, three) = _three(world)
    play.disown(0)
    play.disown(1)
    before = _owners(play)
    play.act(merge, WHO, str(two), str(three))
    play.act(merge, WHO, str(one), str(two))
    assert _owners(play)[one] == before[three], "nobody else owned it"
    play.act(unmerge, WHO, str(three))
    assert _owners(play) == before, "along the whole chain"


def test_of_a_chain_of_merges_the_middle_is_taken_out(world: World) -> None:
    play, (one, two, three) = _three(world)
    play.act(edit, WHO, str(three), {"city": "Oslo"})
    play.act(merge, WHO, str(two), str(three))
    play.act(merge, WHO, str(one), str(two))
    play.act(unmerge, WHO, str(two))
    play.check()
    play.act(unmerge, WHO, str(three))
    play.check()
    cities = {r.id: r.city for r in world.rows("SELECT id, city FROM crm.lead")}
    assert cities == {one: None, two: None, three: "Oslo"}


def test_who_was_merged_follows_his_own_record(world: World) -> None:
    """Three was merged into two, and two into one; then two leaves, and three stays with one."""
    play, (one, two, three) = _three(world)
    records = [f"salesforce/leads/00Q{n:012d}AAA" for n in (1, 2, 3)]
    play.act(edit, WHO, str(three), {"city": "Oslo"})
    play.act(merge, WHO, str(two), str(three))
    play.act(merge, WHO, str(one), str(two))
    play.act(decide, WHO, records[0], records[2], Judgement.SAME)
    play.act(decide, WHO, records[1], records[2], Judgement.DIFFERENT)
    play.act(decide, WHO, records[0], records[1], Judgement.DIFFERENT)
    play.check()
    leads = world.rows("SELECT id, city, merged_into FROM crm.lead ORDER BY id")
    assert [(r.id, r.city, r.merged_into) for r in leads[:2]] == [
        (one, "Oslo", None),
        (two, None, None),
    ]
    assert leads[2].merged_into == one


def test_the_record_that_a_person_began_with_keeps_it(world: World) -> None:
    """Also where the other's record came first."""
    play, (one, two, _) = _three(world)
    play.sync([("salesforce", 3, 3, "", False)])
    with world.db.engine.begin() as conn:  # as if the second had been matched before the first
        conn.execute(
            text(
                "UPDATE ops.source_record s SET entity_id = CASE s.id WHEN a.id THEN b.entity_id "
                "ELSE a.entity_id END FROM ops.source_record a, ops.source_record b "
                "WHERE a.id = 1 AND b.id = 2 AND s.id IN (1, 2)"
            )
        )
        conn.execute(text("UPDATE ops.entity SET anchor_id = 3 - anchor_id WHERE anchor_id < 3"))
        conn.execute(text("UPDATE ops.entity SET version = version + 1"))
    flow.run_stages(world.hub)
    before = rows(world)
    play.act(merge, WHO, str(one), str(two))
    play.act(unmerge, WHO, str(two))
    assert rows(world) == before
