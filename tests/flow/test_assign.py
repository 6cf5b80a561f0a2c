"""Owners: given by hand, in turn by a group, one or thousands at once; told, and in the history."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text

from hub.actions.people.assign import assign, assign_many
from hub.actions.setup import notifications
from hub.crm import owners
from hub.crm.notice_settings import Choice
from hub.crm.owners import Person
from hub.errors import ActionError
from hub.etl import notify
from hub.etl.groups import Group, apply_groups
from hub.model.events import NAMED_AT_MOST
from hub.notify.channels import SmtpChannel
from hub.notify.preferences import Mode
from hub.settings.managed import Managed
from tests.acting import by
from tests.db.conftest import seed_leads
from tests.flow.conftest import World, prepared

WHO = "operator"
NAMES = ("ann", "bob", "cid", "dot", "eve")
KINDS = ("lead", "contact", "deal")


def mail(name: str) -> str:
    return f"{name}@owners.example.com"


_SEED = {
    "contact": (
        "WITH e AS (INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, folded_version) "
        "SELECT 'person', 0, 0, 'live', 1 FROM generate_series(1, :n) RETURNING id) "
        "INSERT INTO crm.contact (entity_id, last_name, batch_id) SELECT id, 'C' || id, 0 FROM e"
    ),
    "deal": (
        "INSERT INTO crm.deal (name, contact_id, pipeline_id, stage_id, currency) "
        "SELECT 'D' || g, (SELECT min(id) FROM crm.contact), s.pipeline_id, s.id, 'EUR' "
        "FROM generate_series(1, :n) g, (SELECT * FROM crm.stage WHERE is_active LIMIT 1) s"
    ),
}


@prepared
def team(world: World) -> World:
    """Five people, and twelve records of each kind without an owner."""
    with world.db.engine.begin() as conn:
        owners.apply_people(conn, [Person(mail(n), n.title(), True, "UTC", {}) for n in NAMES])
        seed_leads(conn, 12)
        for kind in ("contact", "deal"):
            conn.execute(text(_SEED[kind]), {"n": 12})
    return world


def ids(world: World, kind: str) -> list[int]:
    return [row.id for row in world.rows(f"SELECT id FROM crm.{kind} ORDER BY id")]


def owner(world: World, kind: str, number: int) -> str | None:
    (row,) = world.rows(
        f'SELECT u.email FROM crm.{kind} r LEFT JOIN crm."user" u ON u.id = r.owner_id '
        "WHERE r.id = :id",
        id=number,
    )
    return None if row.email is None else str(row.email)


def give(world: World, kind: str, numbers: Sequence[int], to: str, who: str = WHO) -> Any:
    with world.db.engine.begin() as conn:
        return assign_many(by(conn, who), kind, numbers, to)


@pytest.mark.parametrize("kind", KINDS)
def test_one_record_is_given_told_and_in_the_history(team: World, kind: str) -> None:
    number = ids(team, kind)[0]
    give(team, kind, [number], mail("ann"))
    give(team, kind, [number], mail("bob"))
    assert owner(team, kind, number) == mail("bob")
    told = team.rows(
        "SELECT o.event, u.email, coalesce(o.lead_id, o.contact_id, o.deal_id) AS id "
        'FROM ops.outbox o JOIN crm."user" u ON u.id = o.user_id ORDER BY o.id'
    )
    assert [tuple(row) for row in told] == [
        (f"{kind}_assigned", mail("ann"), number),
        (f"{kind}_assigned", mail("bob"), number),
        (f"{kind}_reassigned_away", mail("ann"), number),
    ]
    history = team.rows("SELECT who, fields FROM ops.change WHERE fields ? 'owner' ORDER BY id")
    assert [(h.who, h.fields["owner"]) for h in history] == [
        (WHO, {"old": None, "new": mail("ann")}),
        (WHO, {"old": mail("ann"), "new": mail("bob")}),
    ]
    turns = team.rows(
        f"SELECT user_id, group_id FROM ops.assignment WHERE {kind}_id = :id", id=number
    )
    assert len(turns) == 2
    assert all(turn.group_id is None for turn in turns)
    notify.deliver_pending(team.hub)
    alerts = team.rows("SELECT event, text FROM crm.alert ORDER BY id")
    assert Counter(a.event for a in alerts) == {f"{kind}_assigned": 2, f"{kind}_reassigned_away": 1}
    assert all(a.text.strip() for a in alerts)


def test_many_records_are_one_event_for_each_who_gets_or_loses_some(team: World) -> None:
    leads = ids(team, "lead")
    give(team, "lead", leads[:6], mail("ann"))
    give(team, "lead", leads[:5], mail("bob"))
    told = team.rows(
        "SELECT o.event, u.email, o.lead_id, o.payload -> 'counts' ->> 'leads' AS n "
        'FROM ops.outbox o JOIN crm."user" u ON u.id = o.user_id ORDER BY o.id'
    )
    assert [tuple(row) for row in told] == [
        ("bulk_assigned", mail("ann"), None, "6"),
        ("bulk_assigned", mail("bob"), None, "5"),
        ("bulk_reassigned_away", mail("ann"), None, "5"),
    ]
    notify.deliver_pending(team.hub)
    texts = [row.text for row in team.rows("SELECT text FROM crm.alert ORDER BY id")]
    assert texts[0] == "6 records are now yours"


def test_one_mail_of_many_names_them_and_who_gave_them(
    team: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(SmtpChannel, "send", lambda _self, mail: sent.append(mail))
    with team.db.engine.begin() as conn:
        conn.execute(text("UPDATE crm.\"user\" SET role = 'manager'"))
        seed_leads(conn, 30, name="0QN")
    leads = ids(team, "lead")
    give(team, "lead", leads, mail("ann"), who=mail("bob"))
    notify.deliver_pending(team.hub)
    (one,) = [m for m in sent if m.to == mail("ann")]
    assert f"{mail('bob')} gave you 42 records." in one.text
    assert f"lead/{leads[0]} " in one.text
    assert one.text.count("lead/") == NAMED_AT_MOST
    assert f"and {42 - NAMED_AT_MOST} more" in one.text


def test_a_user_chooses_channels_and_reads_alerts(team: World) -> None:
    leads = ids(team, "lead")
    give(team, "lead", leads[:1], mail("ann"))
    give(team, "lead", leads[1:4], mail("ann"))
    notify.deliver_pending(team.hub)
    with team.db.engine.begin() as conn:
        ann = by(conn, mail("ann"))
        assert [(c.event, c.alert, c.email, c.set_by) for c in notifications.show(ann).choices][:2] == [
            ("lead_assigned", "instant", "instant", "default"),
            ("inquiry_received", "instant", "instant", "default"),
        ]  # fmt: skip
        many, one = notifications.alerts_of(ann, unread=True)
        assert (many.text, many.record, one.record) == (
            "3 records are now yours",
            None,
            f"lead/{leads[0]}",
        )
        assert notifications.read(ann, [one.id]) == 1
        assert [a.id for a in notifications.alerts_of(ann, unread=True)] == [many.id]
        assert (notifications.read(ann, None), notifications.read(ann, None)) == (1, 0)
        assert len(notifications.alerts_of(ann)) == 2
        assert notifications.set_(ann, "lead_assigned", mail=Mode.OFF).email == "off"
        assert notifications.set_(ann, "lead_assigned", alert=Mode.OFF).set_by == "user"
        line = Managed(preferences={(mail("ann"), "deal_assigned"): "hub.yaml:7"})
        for act, code, word in (
            (
                lambda: notifications.set_(ann, "deal_assigned", mail=Mode.OFF, managed=line),
                "conflict",
                "hub.yaml:7",
            ),
            (
                lambda: notifications.set_(ann, "lead_asigned", mail=Mode.OFF),
                "not_found",
                "lead_assigned",
            ),
            (lambda: notifications.read(ann, [10**6]), "not_found", "hub alerts"),
            (lambda: notifications.show(by(conn, WHO)), "required", "--user"),
            (lambda: notifications.show(ann, mail("bob")), "forbidden", "role"),
        ):
            with pytest.raises(ActionError) as caught:
                act()
            assert (caught.value.code, word in (caught.value.hint or "")) == (code, True)
    give(team, "lead", leads[5:6], mail("ann"))
    assert notify.deliver_pending(team.hub) == {}


def test_who_gives_to_themselves_is_told_nothing_and_preferences_decide(team: World) -> None:
    leads = ids(team, "lead")
    give(team, "lead", leads[:1], mail("ann"), who=mail("ann"))
    assert not team.rows("SELECT 1 FROM ops.outbox")
    with team.db.engine.begin() as conn:
        never = {"lead_reassigned_away": Choice("off", "off", "off")}
        owners.apply_people(conn, [Person(mail("ann"), "Ann", True, "UTC", never)])
    give(team, "lead", leads[:1], mail("bob"))
    notify.deliver_pending(team.hub)
    assert [row.event for row in team.rows("SELECT event FROM crm.alert")] == ["lead_assigned"]


def test_what_somebody_has_already_stays_untouched(team: World) -> None:
    leads = ids(team, "lead")
    give(team, "lead", leads[:2], mail("ann"))
    done = give(team, "lead", leads[:3], mail("ann"))
    assert (dict(done.owners).keys(), done.unchanged) == ({leads[2]}, 2)
    assert len(team.rows("SELECT 1 FROM ops.assignment")) == 3


def test_a_group_takes_a_turn_for_each_also_of_what_was_owned(team: World) -> None:
    """A, B, C, A, and then the first one again: it goes to B."""
    leads = ids(team, "lead")
    give(team, "lead", leads[:4], "sales")
    got = [owner(team, "lead", number) for number in leads[:4]]
    assert got == [mail("ann"), mail("bob"), mail("cid"), mail("ann")]
    give(team, "lead", leads[:1], "group:Sales")
    assert owner(team, "lead", leads[0]) == mail("bob")


def test_records_are_given_by_the_names_people_use(team: World) -> None:
    number = ids(team, "lead")[0]
    with team.db.engine.begin() as conn:
        done = assign(by(conn, WHO), "lead", [str(number), f"lead/{number}"], mail("ann"))
    assert dict(done.owners) == {number: done.owners[number]}


def test_thousands_are_given_in_as_many_statements_as_one(team: World) -> None:
    with team.db.engine.begin() as conn:
        seed_leads(conn, 2_000, name="0QM")
    leads = ids(team, "lead")
    counts = [_statements(team, leads[:1]), _statements(team, leads[1:])]
    assert counts[0] == counts[1]
    share = Counter(owner_id for (owner_id,) in team.rows("SELECT owner_id FROM crm.lead"))
    assert max(share.values()) - min(share.values()) <= 1


def _statements(world: World, leads: Sequence[int]) -> int:
    sent: list[str] = []

    def catch(_c: Any, _cursor: Any, statement: str, _p: Any, _x: Any, many: bool) -> None:
        sent.append(statement)

    with world.db.engine.begin() as conn:
        event.listen(conn, "before_cursor_execute", catch)
        assign_many(by(conn, WHO), "lead", leads, "sales")
        event.remove(conn, "before_cursor_execute", catch)
    return len(sent)


_STEP = st.one_of(
    st.tuples(st.just("give"), st.integers(1, 9)),
    st.tuples(st.just("join"), st.integers(0, 4)),
    st.tuples(st.just("leave"), st.integers(0, 4)),
    st.tuples(st.just("away"), st.integers(0, 4)),
    st.tuples(st.just("back"), st.integers(0, 4)),
)
_groups = iter(range(1_000_000))


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEP, min_size=4, max_size=14))
def test_turns_are_fair_over_a_changing_group(
    team: World, kind: str, steps: Sequence[tuple[str, int]]
) -> None:
    """Between two changes of the group, the members' counts differ by at most one."""
    name, here, away = f"g{next(_groups)}", ["ann", "bob"], set[str]()
    _apply(team, name, kind, here)
    window: Counter[str] = Counter()
    records = _round(ids(team, kind))
    for verb, number in steps:
        who = NAMES[number % len(NAMES)]
        if verb == "give":
            _hand_out(team, kind, [next(records) for _ in range(number)], name, window)
            present = [n for n in here if n not in away]
            counts = [window[mail(n)] for n in present]
            assert sum(window.values()) == sum(counts), "nobody who is away or has left gets any"
            assert max(counts) - min(counts) <= 1
            continue
        _change(verb, who, here, away)
        _apply(team, name, kind, here)
        with team.db.engine.begin() as conn:
            _set_away(conn, name, away)
        window.clear()


def _hand_out(
    world: World, kind: str, records: Sequence[int], group: str, window: Counter[str]
) -> None:
    """One at a time and all at once are the same turns."""
    for part in (records[:1], records[1:]):
        before = world.rows("SELECT coalesce(max(id), 0) AS id FROM ops.assignment")[0].id
        if part:
            give(world, kind, part, group)
        for row in world.rows(
            'SELECT u.email FROM ops.assignment t JOIN crm."user" u ON u.id = t.user_id WHERE t.id > :id',
            id=before,
        ):
            window[row.email] += 1


def _change(verb: str, who: str, here: list[str], away: set[str]) -> None:
    if verb == "join" and who not in here:
        here.append(who)
    elif verb == "leave" and len([n for n in here if n not in away and n != who]) > 0:
        here[:] = [n for n in here if n != who]
        away.discard(who)
    elif verb == "away" and who in here and len(set(here) - away - {who}) > 0:
        away.add(who)
    elif verb == "back":
        away.discard(who)


def _set_away(conn: Connection, name: str, away: set[str]) -> None:
    conn.execute(
        text(
            "UPDATE crm.member m SET is_paused = (u.email = ANY(:away)) "
            'FROM crm."user" u, crm.distribution_group g '
            "WHERE u.id = m.user_id AND g.id = m.group_id AND g.name = :name"
        ),
        {"away": [mail(n) for n in away], "name": name},
    )


def _apply(world: World, name: str, kind: str, here: Sequence[str]) -> None:
    with world.db.engine.begin() as conn:
        apply_groups(conn, [Group(name, [mail(n) for n in here], kind)])


def _round(numbers: Sequence[int]) -> Iterator[int]:
    while True:
        yield from numbers
