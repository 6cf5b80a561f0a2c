"""Bulk actions give what n single actions give, refuse what one record cannot take, and are undone."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.bulk import run as running
from hub.actions.bulk.run import Asked, NotChanged, resume, run
from hub.actions.bulk.take_back import preview, take_back
from hub.actions.deals import deal
from hub.actions.leads import convert, status
from hub.actions.people.assign import assign_many
from hub.actions.people.edit import edit
from hub.actions.setup import groups, smart_list, team
from hub.actions.setup.groups import Change
from hub.crm import owners
from hub.crm.owners import Person
from hub.errors import ActionError
from hub.etl import flow, notify
from hub.lists.document import read
from tests.acting import OPERATOR, acting, by
from tests.flow.conftest import World, salesforce_lead

ANN, BOB, CID = (f"{name}@owners.example.com" for name in ("ann", "bob", "cid"))
N = 6


@pytest.fixture
def house(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Six leads of a source: 1 to 4 are Ann's, 5 and 6 Bob's; six deals; a group of the three."""
    monkeypatch.setattr(running, "CHUNK", 4)
    with world.db.engine.begin() as conn:
        owners.apply_people(
            conn, [Person(m, m[:3].title(), True, "UTC", {}) for m in (ANN, BOB, CID)]
        )
    world.add("salesforce", "leads", *(
        salesforce_lead(n, LastName=f"Lead{n}", Email=f"p{n}@firm{n}.example.com", City="Oslo",
                        CountryCode="FR")
        for n in range(1, N + 1)
    ))  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds
    with world.db.engine.begin() as conn:
        boss = by(conn)
        groups.add(boss, "East", "lead", [ANN, BOB, CID])
        ids = numbers(conn, "lead")
        assign_many(boss, "lead", ids[:4], ANN)
        assign_many(boss, "lead", ids[4:], BOB)
        edit(boss, f"lead/{ids[0]}", {"tags": ["vip", "old"]})
        first = convert.convert(boss, f"lead/{ids[0]}", convert.Wish(has_deal=False))
        for n in range(N):
            deal.add(boss, deal.NewDeal(f"Deal{n}", f"contact/{first.person_id}", "EUR",
                                        values={"value": n, "tags": ["vip"] if n < 2 else []}))  # fmt: skip
        conn.execute(text("UPDATE ops.outbox SET state = 'done'"))
    return world


def numbers(conn: Connection, kind: str) -> list[int]:
    return list(conn.execute(text(f"SELECT id FROM crm.{kind} ORDER BY id")).scalars())


def rows(conn: Connection) -> dict[str, Any]:
    """Every row of leads, contacts and deals as it stands, but for what says when it was written."""
    gone = "ARRAY['recorded_at', 'batch_id', 'last_stage_change_at', 'converted_at', 'archived_at']"
    found = {}
    for kind in ("lead", "contact", "deal"):
        asked = f"SELECT id, to_jsonb(r) - {gone} || jsonb_build_object('converted', to_jsonb(r) "
        asked += (
            f"-> 'converted_at' <> 'null', 'archived', archived_at IS NOT NULL) FROM crm.{kind} r"
        )
        found |= {f"{kind}/{n}": row for n, row in conn.execute(text(asked))}
    return found


def whole(world: World) -> list[Any]:
    """Every row of leads, contacts and deals to the letter."""
    return [
        world.rows(f"SELECT to_jsonb(r) AS row FROM crm.{kind} r ORDER BY id")
        for kind in ("lead", "contact", "deal")
    ]


def bulk(
    world: World, verb: str, wanted: Mapping[str, Any], *, who: str = OPERATOR, **more: Any
) -> Any:
    kind = more.pop("kind", "lead")
    with world.db.engine.begin() as conn:
        names = [f"{kind}/{n}" for n in numbers(conn, kind)]
    dry = more.pop("dry_run", False)
    asked = Asked(verb, wanted, names=more.pop("names", names), **more)
    return run(world.db.engine, acting(who), asked, dry_run=dry)


def tags(conn: Connection, kind: str, number: int) -> list[str]:
    found = conn.execute(text(f"SELECT tags FROM crm.{kind} WHERE id = :n"), {"n": number}).scalar()
    return found or []


def tagged(conn: Connection, number: int) -> None:
    old = tags(conn, "lead", number)
    if "new" not in old:
        edit(by(conn), f"lead/{number}", {"tags": [*old, "new"]})


Single = Callable[[Connection, int], Any]
# verb, what it takes, its kind, and the single action
VERBS: Mapping[str, tuple[str, Mapping[str, Any], str, Single]] = {
    "owner": ("set-owner", {"to": CID}, "lead", lambda c, n: assign_many(by(c), "lead", [n], CID)),
    "turns": ("set-owner", {"to": "East"}, "lead", lambda c, n: assign_many(by(c), "lead", [n], "East")),
    "deals' owner": ("set-owner", {"to": BOB}, "deal", lambda c, n: assign_many(by(c), "deal", [n], BOB)),
    "status": ("set-status", {"status": "working"}, "lead",
               lambda c, n: status.set_status(by(c), [f"lead/{n}"], "Working")),
    "tag": ("tag", {"tags": ["new"]}, "lead", tagged),
    "untag": ("untag", {"tags": ["VIP"]}, "deal", lambda c, n: deal.edit(
        by(c), f"deal/{n}", {"tags": [t for t in tags(c, "deal", n) if t != "vip"]})),
    "a field": ("set", {"values": {"city": "Lyon"}, "region": "FR"}, "lead",
                lambda c, n: edit(by(c), f"lead/{n}", {"city": "Lyon"}, region="FR")),
    "what others are found by": (
        "set", {"values": {"phone": "01 42 68 53 00"}, "region": "FR"}, "lead",
        lambda c, n: edit(by(c), f"lead/{n}", {"phone": "01 42 68 53 00"}, region="FR")),
    "deals' field": ("set", {"values": {"value": "7.50"}, "region": "FR"}, "deal",
                     lambda c, n: deal.edit(by(c), f"deal/{n}", {"value": "7.50"})),
    "archive": ("archive", {}, "deal", lambda c, n: deal.archive(by(c), f"deal/{n}")),
}  # fmt: skip


def test_each_verb_gives_what_single_actions_give_and_its_undo_restores_every_row(
    house: World,
) -> None:
    for name, (verb, wanted, kind, single) in VERBS.items():
        refused = {}
        with house.db.engine.connect() as conn:
            for number in numbers(conn, kind):
                try:
                    with conn.begin_nested():
                        single(conn, number)
                except ActionError as exc:
                    refused[f"{kind}/{number}"] = exc.message
            expected = rows(conn)
            conn.rollback()
        before = whole(house)
        looks = name in ("turns", "tag")  # what a dry run and a preview say, of a few
        dry = bulk(house, verb, wanted, kind=kind, dry_run=True) if looks else None
        assert whole(house) == before, name
        done = bulk(house, verb, wanted, kind=kind)
        dry = dry or done
        assert (dry.changed, dry.unchanged, dry.refused) == (
            done.changed,
            done.unchanged,
            done.refused,
        )
        assert done.changed + done.unchanged + done.refused == N, name
        assert done.changed, name
        assert {one.record: one.why for one in done.refused_records} == refused, name
        with house.db.engine.begin() as conn:
            assert rows(conn) == expected, name
        foreseen = preview(house.db.engine, acting(), done.batch) if looks else None
        back = take_back(house.db.engine, acting(), done.batch)
        assert (back.restored, back.kept, foreseen or back) == (done.changed, (), back), name
        assert whole(house) == before, name
    assert take_back(house.db.engine, acting(), done.batch) == back


def test_a_reps_bulk_refuses_and_counts_the_records_of_others(house: World) -> None:
    done = bulk(house, "set-status", {"status": "Working"}, who=ANN)
    assert (done.changed, done.refused) == (3, 3)  # one of Ann's is converted
    assert sorted(done.reasons.values()) == [1, 2]
    others, converted = done.reasons  # the most frequent first
    assert others.startswith("a rep may only work on their own records")
    assert "is converted" in converted
    with pytest.raises(ActionError, match="may not"):
        take_back(house.db.engine, acting(BOB), done.batch)
    assert take_back(house.db.engine, acting(ANN), done.batch).restored == 3


def test_what_was_changed_since_is_kept_and_a_conversion_is_reopened_where_untouched(
    house: World,
) -> None:
    with house.db.engine.begin() as conn:
        ids = numbers(conn, "lead")
    before = whole(house)[0]
    made = bulk(house, "convert", {"currency": "EUR", "has_deal": True})
    assert (made.changed, made.unchanged) == (N - 1, 1)
    with house.db.engine.begin() as conn:
        touched = conn.execute(
            text("SELECT id FROM crm.deal WHERE lead_id = :n"), {"n": ids[3]}
        ).scalar_one()
        deal.edit(by(conn), f"deal/{touched}", {"value": 99})
    back = take_back(house.db.engine, acting(), made.batch)
    why = f"reopened; kept, because users worked on them: deal/{touched}"
    assert back.kept == (NotChanged(f"lead/{ids[3]}", why),)
    assert [r.row["status"] for r in whole(house)[0]] == [r.row["status"] for r in before]
    assert [r.row["converted_at"] is None for r in whole(house)[0]] == [False, *[True] * (N - 1)]
    done = bulk(
        house,
        "set",
        {"values": {"city": "Lyon"}, "region": "FR"},
        names=[f"lead/{n}" for n in ids[1:4]],
    )
    with house.db.engine.begin() as conn:
        edit(by(conn), f"lead/{ids[1]}", {"city": "Nice"})
    kept = take_back(house.db.engine, acting(), done.batch)
    assert (kept.restored, kept.kept) == (2, (NotChanged(f"lead/{ids[1]}", "changed afterwards"),))
    cities = [r.row["city"] for r in whole(house)[0]][1:4]
    assert cities == ["Nice", "Oslo", "Oslo"]


def test_a_killed_bulk_goes_on_and_new_owners_are_told_once(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    real = running._chunk

    def killed(ctx: Any, batch: int) -> int:
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(ctx, batch)

    with monkeypatch.context() as patched:
        patched.setattr(running, "_chunk", killed)
        with pytest.raises(KeyboardInterrupt):
            bulk(house, "set-owner", {"to": CID})
    batch = calls[0]
    with pytest.raises(ActionError, match="not complete"):
        take_back(house.db.engine, acting(), batch)
    assert not house.rows("SELECT 1 FROM ops.outbox WHERE state = 'pending'")
    done = resume(house.db.engine, acting(), batch)
    assert (done.changed, done.unchanged, done.refused) == (N, 0, 0)
    told = house.rows(
        "SELECT o.event, u.email, o.payload -> 'counts' ->> 'leads' AS n FROM ops.outbox o "
        "JOIN crm.\"user\" u ON u.id = o.user_id WHERE o.state = 'pending' ORDER BY 1, 2"
    )
    assert [tuple(row) for row in told] == [
        ("bulk_assigned", CID, "6"), ("bulk_reassigned_away", ANN, "4"), ("bulk_reassigned_away", BOB, "2"),
    ]  # fmt: skip
    assert resume(house.db.engine, acting(), batch) == done
    assert sum(notify.deliver_pending(house.hub).values()) > 0


def test_a_full_group_takes_as_many_as_it_can_and_lists_and_conditions_choose_the_records(
    house: World,
) -> None:
    with house.db.engine.begin() as conn:
        boss = by(conn)
        team.away(boss, CID)
        groups.edit_member(boss, "East", ANN, Change(capacity=0))
        groups.edit_member(boss, "East", BOB, Change(capacity=4))
        listed = read({"object": "lead", "filter": {"field": "owner", "op": "is", "value": ANN}})
        smart_list.add(boss, "Ann's", listed)
        archived = read(
            {"object": "deal", "filter": {"field": "name", "op": "is", "value": "Deal3"}}
        )
    done = run(house.db.engine, acting(), Asked("set-owner", {"to": "East"}, list="Ann's"))
    assert done.changed == 2
    assert all("take a lead" in one.why for one in done.refused_records)
    few = run(house.db.engine, acting(), Asked("archive", document=archived))
    assert (few.kind, few.changed) == ("deal", 1)
    for asked, code in (
        (Asked("set-owner", {"to": "West"}, names=["lead/1"]), "not_found"),
        (Asked("set-status", {"status": "Nwe"}, names=["lead/1"]), "not_found"),
        (Asked("set-status", {"status": "New"}, names=["deal/1"]), "invalid"),
        (Asked("archive", names=["lead/1"]), "invalid"),
        (Asked("tag", {"tags": [" "]}, names=["lead/1"]), "required"),
        (Asked("set", {"values": {"colour": "x"}, "region": "FR"}, names=["lead/1"]), "not_found"),
        (Asked("tag", {"tags": ["x"]}, names=["lead/1", "deal/1"]), "invalid"),
        (Asked("tag", {"tags": ["x"]}, list="Nosuch"), "not_found"),
    ):  # fmt: skip
        with pytest.raises(ActionError) as caught:
            run(house.db.engine, acting(), asked)
        assert caught.value.code == code, asked
    missing = bulk(house, "tag", {"tags": ["x"]}, names=["lead/1", "lead/99999"])
    why = "there is no lead/99999, or it was merged"
    assert missing.refused_records == (NotChanged("lead/99999", why),)
