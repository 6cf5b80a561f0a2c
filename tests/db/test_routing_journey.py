"""The routing of a team: leave, capacity, a member who joins, eight workers, two restarts; then on trial."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from hub.crm import owners as crm_owners
from hub.errors import ConfigError, TransientError
from hub.etl import route
from hub.etl.context import Hub
from hub.etl.owner_decision import rules_from, rules_of
from hub.etl.route import route_unowned
from hub.etl.routing_trial import replay, simulate_file, simulate_last
from hub.settings.blocks import RoutingSettings, RuleSettings
from tests.db.conftest import WORKERS, at_once, seed_leads

A, B, C, D = (f"{name}@team.example.com" for name in "abcd")
_END_OTHERS = text("""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
  AND backend_type = 'client backend'
""")


def team(conn: Connection) -> dict[str, int]:
    """A has two shares, B is away, C is full; D has not joined yet."""
    people = [crm_owners.Person(e, e, True, "UTC", {}) for e in (A, B, C, D)]
    crm_owners.apply_people(conn, people)
    ids = {email: user.id for email, user in crm_owners.users_by_email(conn).items()}
    group = conn.execute(text("SELECT id FROM crm.distribution_group WHERE name = 'sales'"))
    number = group.scalar_one()
    conn.execute(text("DELETE FROM crm.member WHERE group_id = :g"), {"g": number})
    for place, (email, weight, capacity) in enumerate(((A, 2, None), (B, 1, None), (C, 1, 5)), 1):
        conn.execute(
            text(
                "INSERT INTO crm.member (group_id, user_id, position, weight, capacity) "
                "VALUES (:g, :u, :p, :w, :c)"
            ),
            {"g": number, "u": ids[email], "p": place, "w": weight, "c": capacity},
        )
    conn.execute(
        text("UPDATE crm.\"user\" SET away_from = now() - interval '1 day' WHERE id = :u"),
        {"u": ids[B]},
    )
    seed_leads(conn, 5, name="0QFULL")
    conn.execute(text("UPDATE crm.lead SET owner_id = :u"), {"u": ids[C]})
    return ids


def join(conn: Connection, user: int) -> None:
    conn.execute(
        text(
            "INSERT INTO crm.member (group_id, user_id, position) "
            "SELECT id, :u, 4 FROM crm.distribution_group WHERE name = 'sales'"
        ),
        {"u": user},
    )


def burst(hub: Hub, name: str, leads: int, *, restart: bool) -> None:
    """Seed leads, and let eight workers route them; a restart ends their connections meanwhile."""
    with hub.engine.begin() as conn:
        seed_leads(conn, leads, name=name)

    def work() -> None:
        for _ in range(3):
            try:
                route_unowned(hub, bulk=True)
            except TransientError:
                continue  # the worker starts again
            return

    def end() -> None:
        if restart:
            with hub.engine.begin() as conn:
                conn.execute(_END_OTHERS)

    at_once([*[work] * WORKERS, end])
    hub.engine.dispose()  # a program that starts has new connections
    route_unowned(hub, bulk=True)


def owners(hub: Hub) -> Counter[str]:
    asked = text(
        'SELECT u.email FROM ops.assignment a JOIN crm."user" u ON u.id = a.user_id ORDER BY a.id'
    )
    with hub.engine.begin() as conn:
        return Counter(conn.execute(asked).scalars())


@pytest.fixture
def ids(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    monkeypatch.setattr(route, "CHUNK", 4)
    with hub.engine.begin() as conn:
        return team(conn)


def test_a_team_gets_exactly_its_shares_through_workers_and_restarts(
    hub: Hub, ids: dict[str, int]
) -> None:
    burst(hub, "0QA", 40, restart=True)
    with hub.engine.begin() as conn:
        join(conn, ids[D])
    burst(hub, "0QB", 30, restart=True)
    burst(hub, "0QC", 30, restart=False)
    assert owners(hub) == {A: 40 + 20 + 20, D: 10 + 10}
    with hub.engine.begin() as conn:
        rows = conn.execute(
            text("SELECT lead_id, skipped, rules_id, tried FROM ops.assignment ORDER BY id")
        ).all()
        assert len({row.lead_id for row in rows}) == 100, "one decision a lead"
        for row in rows:
            assert row.skipped == [[ids[B], "away"], [ids[C], "full (5 of 5)"]]
            assert row.rules_id is not None
            assert {m[0] for m in row.tried[0]["members"]} >= {ids[A], ids[B], ids[C]}
        done = replay(conn)
        assert (done.replayed_n, done.differences) == (100, [])
        same = simulate_last(conn, rules_of(hub), 200, hub.clock.now())
        assert {one.change for one in same} == {"same"}
        assert len(same) == 100


def test_a_changed_rule_shows_the_leads_that_would_move(hub: Hub, ids: dict[str, int]) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, 30, name="0QM")
        conn.execute(
            text("UPDATE crm.lead SET country = 'ES' WHERE owner_id IS NULL AND id % 5 = 0")
        )
        spain = set(conn.execute(text("SELECT id FROM crm.lead WHERE country = 'ES'")).scalars())
    route_unowned(hub, bulk=True)
    other = rules_from(
        RoutingSettings(
            rules=[RuleSettings(name="spain", when={"country": "ES"}, assign=f"user:{D}")]
        )
    )
    with hub.engine.begin() as conn:
        found = simulate_last(conn, other, 200, hub.clock.now())
        conn.execute(text("UPDATE ops.assignment SET user_id = :u WHERE id = :i"),
                     {"u": ids[D], "i": found[3].kept.id})  # fmt: skip
        assert [d.what for d in replay(conn).differences] == [
            [f"owner: {ids[D]}, replayed {ids[A]}"]
        ]
    assert {one.kept.lead_id for one in found if one.change == "rule"} == spain
    assert len(spain) == 6
    assert {one.user_id for one in found if one.kept.lead_id in spain} == {ids[D]}
    assert {one.change for one in found if one.kept.lead_id not in spain} == {"same"}


def test_a_rule_reads_the_company_of_a_lead(hub: Hub, ids: dict[str, int]) -> None:
    big = RuleSettings(name="big", when={"company_size": ">= 50"}, assign=f"user:{D}")
    routing = RoutingSettings(rules=[big])
    hub.settings.__dict__["routing"] = routing
    with hub.engine.begin() as conn:
        seed_leads(conn, 4, name="0QS")
        conn.execute(
            text(
                "UPDATE crm.lead SET custom_fields = jsonb_build_object('employees', 20 * (id % 4)) "
                "WHERE owner_id IS NULL"
            )
        )
    route_unowned(hub, bulk=True)
    assert owners(hub) == {A: 3, D: 1}
    with hub.engine.begin() as conn:
        assert replay(conn).differences == []


def test_leads_of_a_file_are_decided_by_the_rules_to_try_and_those_in_force(
    hub: Hub, ids: dict[str, int], tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(
        "last_name,country,company_size,tags,account_owner\n"
        "Aas,ES,10,,\n"
        "Bo,FR,400,,\n"
        'Cy,FR,10,"vip, hot",\n'
        f"Di,FR,10,,{B}\n",
        encoding="utf-8",
    )
    rules = RoutingSettings(
        rules=[
            RuleSettings(name="ours", assign="account:owner"),
            RuleSettings(name="big", when={"company_size": ">= 50"}, assign=f"user:{D}"),
            RuleSettings(name="hot", when={"tags": "hot"}, assign=f"user:{C}"),
        ]
    )
    with hub.engine.begin() as conn:
        found = simulate_file(conn, file, rules_from(rules), rules_of(hub), hub.clock.now())
    assert [(one.line, one.user_id, one.rule, one.user_in_force) for one in found] == [
        (2, ids[A], "fallback", ids[A]),
        (3, ids[D], "big", ids[A]),
        (4, ids[C], "hot", ids[A]),
        (5, ids[B], "ours", ids[A]),
    ]
    file.write_text("contry\nFR\n", encoding="utf-8")
    with hub.engine.begin() as conn, pytest.raises(ConfigError) as error:
        simulate_file(conn, file, rules_of(hub), rules_of(hub), hub.clock.now())
    assert error.value.hint == "did you mean 'country'?"
