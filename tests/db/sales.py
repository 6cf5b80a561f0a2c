"""Leads, deals and their moves written by SQL, and what reports say of them, worked out naively."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, text

HOURS = timedelta(hours=5)
START = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = ("Web", "Fair", None)
CURRENCIES = ("EUR", "USD")
STATUSES = ("New", "Working", "Qualified", "Unqualified")


def set_up(conn: Connection) -> None:
    """Two people, one contact that all deals hang on, and a second pipeline."""
    conn.execute(
        text(
            'INSERT INTO crm."user" (email, name, is_active, managed_by) '
            "VALUES ('ann@a.example.com', 'Ann', true, 'test'), ('bob@a.example.com', 'Bob', true, 'test')"
        )
    )
    conn.execute(
        text("INSERT INTO crm.contact (entity_id, last_name, batch_id) VALUES (:e, 'Customer', 1)"),
        {"e": entity(conn)},
    )
    conn.execute(text("INSERT INTO crm.pipeline (name, position) VALUES ('Renewal', 2)"))
    conn.execute(
        text(
            "INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active) "
            "SELECT p.id, s.* FROM crm.pipeline p, (VALUES ('Due', 'incoming', 1, 60, true), "
            "('Won', 'won', 2, 100, false), ('Lost', 'lost', 3, 0, false)) s WHERE p.name = 'Renewal'"
        )
    )


def entity(conn: Connection) -> int:
    """A new entity."""
    found: int = conn.execute(
        text(
            "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) VALUES ('person', 1, 1, 'live') RETURNING id"
        )
    ).scalar_one()
    return found


def new_lead(conn: Connection, **values: Any) -> int:
    """A lead with the given columns; returns its number."""
    values = {
        "last_name": "Lead",
        "lane": "live",
        "batch_id": 1,
        "entity_id": entity(conn),
    } | values
    return _insert(conn, "lead", values)


def new_deal(conn: Connection, stage: int, **values: Any) -> int:
    """A deal in a stage with the given columns; it has not moved yet."""
    pipeline, contact = conn.execute(
        text(
            "SELECT pipeline_id, (SELECT min(id) FROM crm.contact) FROM crm.stage WHERE id = :stage"
        ),
        {"stage": stage},
    ).one()
    values = {
        "name": "Deal",
        "currency": "EUR",
        "stage_id": stage,
        "pipeline_id": pipeline,
        "contact_id": contact,
    } | values
    return _insert(conn, "deal", values)


def _insert(conn: Connection, table: str, values: Mapping[str, Any]) -> int:
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    statement = f"INSERT INTO crm.{table} ({names}) VALUES ({places}) RETURNING id"
    return int(conn.execute(text(statement), dict(values)).scalar_one())


def change(conn: Connection, table: str, number: int, **values: Any) -> None:
    """Write columns of one row."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    conn.execute(text(f"UPDATE crm.{table} SET {changes} WHERE id = :id"), {**values, "id": number})


def move(conn: Connection, deal: int, stage: int, at: datetime) -> None:
    """Move a deal as the action does: the transition, then the deal itself."""
    conn.execute(
        text(
            "INSERT INTO crm.stage_transition (deal_id, to_stage_id, who, at) "
            "VALUES (:deal, :stage, 'test', :at)"
        ),
        {"deal": deal, "stage": stage, "at": at},
    )
    conn.execute(
        text(
            "UPDATE crm.deal d SET stage_id = s.id, pipeline_id = s.pipeline_id, "
            "closed_at = CASE WHEN NOT s.is_active THEN CAST(:at AS timestamptz) END "
            "FROM crm.stage s WHERE d.id = :deal AND s.id = :stage"
        ),
        {"deal": deal, "stage": stage, "at": at},
    )


MANY_MOVES = """
INSERT INTO crm.stage_transition (deal_id, to_stage_id, who, at)
SELECT d.id, s.id, 'test', timestamptz '2026-01-01' + s.id * interval '7 hours'
FROM crm.deal d, crm.stage s WHERE s.id % 2 = d.id % 2
"""


class Business:
    """A business that goes its random way, one statement at a time or many rows in one."""

    def __init__(self, conn: Connection, random: Random) -> None:
        conn.rollback()  # of what came before, should it have failed
        self.conn = conn
        self.random = random
        self.now = START
        self.stages = list(conn.execute(text("SELECT id FROM crm.stage ORDER BY id")).scalars())
        self.owners = [None, *conn.execute(text('SELECT id FROM crm."user"')).scalars()]
        self.reasons = [None, *conn.execute(text("SELECT id FROM crm.reason LIMIT 3")).scalars()]
        self.leads: list[int] = []
        self.deals: list[int] = []

    def go_on(self, steps: int) -> None:
        """Let so many things happen."""
        for _ in range(steps):
            self.now += timedelta(seconds=self.random.choice([1, 90, 5_000, 90_000, 2_000_000]))
            self.random.choice(
                [
                    self.lead,
                    self.deal,
                    *[self.step] * 3,
                    self.touch_lead,
                    self.touch_deal,
                    self.many,
                    self.forget,
                ]
            )()

    def lead(self) -> None:
        choose = self.random.choice
        self.leads.append(
            new_lead(
                self.conn,
                created_at=choose(
                    [self.now, self.now + HOURS, self.now - timedelta(days=40), None]
                ),
                recorded_at=self.now,
                lead_source=choose(SOURCES),
                owner_id=choose(self.owners),
                status=choose(STATUSES),
            )
        )

    def deal(self) -> None:
        choose = self.random.choice
        stage = choose(self.stages)
        deal = new_deal(
            self.conn,
            stage,
            added_at=self.now,
            owner_id=choose(self.owners),
            source=choose(SOURCES),
            currency=choose(CURRENCIES),
            value=choose([0, 10, 99.99]),
            customized_win_likelihood=choose([None, 0, 35]),
            lead_id=choose([None, *self.leads[-3:]]),
        )
        self.deals.append(deal)
        move(self.conn, deal, stage, self.now)

    def step(self) -> None:
        if self.deals:
            move(
                self.conn,
                self.random.choice(self.deals),
                self.random.choice(self.stages),
                self.now - timedelta(seconds=self.random.choice([0, 0, 3_600])),
            )

    def touch_lead(self) -> None:
        if not self.leads:
            return
        choose = self.random.choice
        values = choose(
            [
                {"lead_source": choose(SOURCES), "owner_id": choose(self.owners)},
                {"status": choose(STATUSES), "title": "Boss"},
                {"first_response_at": self.now},
                {"converted_at": choose([self.now, None])},
                {"archived_at": choose([self.now, None])},
                {"merged_into": choose([None, choose(self.leads)])},
            ]
        )
        change(self.conn, "lead", choose(self.leads), **values)

    def touch_deal(self) -> None:
        if not self.deals:
            return
        choose = self.random.choice
        values = choose(
            [
                {"source": choose(SOURCES), "owner_id": choose(self.owners)},
                {"value": choose([0, 5, 250]), "currency": choose(CURRENCIES)},
                {"loss_reason_id": choose(self.reasons)},
                {"customized_win_likelihood": choose([None, 90])},
                {"archived_at": choose([self.now, None])},
                {"lead_id": choose([None, *self.leads[:3]])},
            ]
        )
        change(self.conn, "deal", choose(self.deals), **values)

    def many(self) -> None:
        """One statement over every row."""
        self.conn.execute(
            text(
                self.random.choice(
                    [
                        'UPDATE crm.lead SET owner_id = (SELECT max(id) FROM crm."user") WHERE id % 2 = 0',
                        'UPDATE crm.deal SET owner_id = (SELECT min(id) FROM crm."user"), value = value + 1',
                        "UPDATE crm.stage_transition SET at = at - interval '1 hour' WHERE id % 3 = 0",
                        "DELETE FROM crm.stage_transition WHERE id % 5 = 0",
                        "DELETE FROM crm.stage_transition WHERE deal_id % 2 = 0 AND id % 4 > 0",
                        MANY_MOVES,
                    ]
                )
            )
        )

    def forget(self) -> None:
        """Delete a deal with all its moves, and a lead that nothing hangs on."""
        if self.deals:
            deal = self.deals.pop(self.random.randrange(len(self.deals)))
            for statement in (
                "DELETE FROM crm.stage_transition WHERE deal_id = :id",
                "DELETE FROM crm.deal WHERE id = :id",
            ):
                self.conn.execute(text(statement), {"id": deal})
        gone = self.conn.execute(
            text(
                "DELETE FROM crm.lead l WHERE id = (SELECT min(id) FROM crm.lead) "
                "AND NOT EXISTS (SELECT 1 FROM crm.deal d WHERE d.lead_id = l.id) "
                "AND NOT EXISTS (SELECT 1 FROM crm.lead m WHERE m.merged_into = l.id) RETURNING id"
            )
        ).scalars()
        for lead in gone:
            self.leads.remove(lead)


def rows(conn: Connection, statement: str) -> list[Any]:
    """All rows of a statement."""
    return list(conn.execute(text(statement)))


def disc(values: Iterable[float], share: float) -> float | None:
    """The smallest value that so great a share of the values does not exceed."""
    found = sorted(values)
    return found[max(0, math.ceil(share * len(found)) - 1)] if found else None


def naive_cycle(conn: Connection, deals: set[int]) -> dict[int, dict[str, Any]]:
    """Time and conversion of each stage, walked through move by move."""
    stages = {s.id: s for s in rows(conn, "SELECT * FROM crm.stage")}
    moves: dict[int, list[Any]] = defaultdict(list)
    for m in rows(conn, "SELECT * FROM crm.stage_transition ORDER BY at, id"):
        if m.deal_id in deals:
            moves[m.deal_id].append(m)
    told: dict[int, dict[str, Any]] = defaultdict(
        lambda: {"entered": 0, "advanced": 0, "lost": 0, "inside": 0, "times": []}
    )
    for mine in moves.values():
        for stage_id in {m.to_stage_id for m in mine}:
            _walk(told[stage_id], stages, stage_id, mine)
    return told


def _walk(told: dict[str, Any], stages: Any, stage_id: int, moves: Sequence[Any]) -> None:
    dead = {"lost", "unqualified"}
    stage = stages[stage_id]
    places = [n for n, m in enumerate(moves) if m.to_stage_id == stage_id]
    later = [stages[m.to_stage_id] for m in moves[places[0] + 1 :]]
    told["entered"] += 1
    told["advanced"] += any(
        s.pipeline_id == stage.pipeline_id
        and s.category not in dead
        and s.position > stage.position
        for s in later
    )
    told["lost"] += len(moves) - 2 in places and stages[moves[-1].to_stage_id].category in dead
    is_inside = len(moves) - 1 in places
    told["inside"] += is_inside
    if stage.category == "won":
        if is_inside:
            told["times"].append((moves[-1].at - moves[0].at).total_seconds())
    elif not is_inside:
        told["times"].append(sum((moves[n + 1].at - moves[n].at).total_seconds() for n in places))
