"""Reports take their filters, refuse those that do not exist, and show their figures."""

from dataclasses import fields
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import jsonschema
import pytest
from sqlalchemy import text

from hub.actions.report import Asked, report
from hub.cli.reports import _show
from hub.clock import FixedClock
from hub.db.engine import Database
from hub.errors import ActionError
from hub.reports import REPORTS
from hub.views.encoding import to_json
from hub.views.report_head import Period
from hub.views.schema import schema_of
from tests.acting import by
from tests.db.sales import Business, new_lead, set_up

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "asked", "field", "code"),
    [
        ("no-such", Asked(), "name", "not_found"),
        ("won-lost", Asked(first="some day"), "from", "invalid"),
        ("won-lost", Asked(first="2026-02-30"), "from", "invalid"),
        ("won-lost", Asked(first="0001-01-01"), "from", "invalid"),
        ("won-lost", Asked(first="2026-01-01", last="9999-12-31"), "to", "invalid"),
        ("won-lost", Asked(last="2026-01-01"), "from", "invalid"),
        ("won-lost", Asked(first="2026-02-01", last="2026-01-01"), "to", "invalid"),
        ("won-lost", Asked(zone="Mars/Olympus"), "zone", "invalid"),
        ("won-lost", Asked(owner="nobody@a.example.com"), "owner", "not_found"),
        ("won-lost", Asked(source="Nosuch"), "source", "not_found"),
        ("leads", Asked(source="Nosuch"), "source", "not_found"),
        ("leads", Asked(pipeline="Sales"), "pipeline", "invalid"),
        ("leads", Asked(outcome="Reached"), "outcome", "invalid"),
        ("pipeline", Asked(first="2026-01-01"), "from", "invalid"),
        ("activity", Asked(outcome="Nosuch"), "outcome", "not_found"),
        ("activity", Asked(source="Web"), "source", "invalid"),
        ("won-lost", Asked(pipeline="'; DROP TABLE crm.deal; --"), "pipeline", "not_found"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_field(
    db: Database, name: str, asked: Asked, field: str, code: str
) -> None:
    with db.engine.begin() as conn, pytest.raises(ActionError) as refused:
        report(by(conn, "operator", FixedClock(NOW)), name, asked)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.resource == "report"


def test_a_period_is_in_the_zone_of_who_asks_unless_another_is_named(db: Database) -> None:
    with db.engine.begin() as conn:
        set_up(conn)
        conn.execute(text("UPDATE crm.\"user\" SET timezone = 'Europe/Paris'"))
        mine = report(
            by(conn, "ann@a.example.com", FixedClock(NOW)), "leads", Asked(first="2026-03-01")
        )
        # it is tomorrow in Paris
        assert mine.period == Period(date(2026, 3, 1), date(2026, 4, 1), "Europe/Paris")
        other = report(by(conn, "operator", FixedClock(NOW)), "leads", Asked(first="2026-03-01"))
        assert other.period is not None
        assert (other.period.last, other.period.zone) == (date(2026, 3, 31), "UTC")


def test_names_are_found_letter_case_aside_and_near_ones_are_told(db: Database) -> None:
    with db.engine.begin() as conn:
        set_up(conn)
        new_lead(conn, lead_source="Web", owner_id=1)
        asked = Asked(owner="ANN@a.example.com", source="web")
        found = report(by(conn, "operator", FixedClock(NOW)), "leads", asked)
        assert found.filters == {"owner": "ann@a.example.com", "source": "Web"}
        assert [one.name for one in fields(found)][:4] == [
            "report",
            "period",
            "filters",
            "is_exact",
        ]
        for wrong, told in (
            (Asked(source="Wbe"), "did you mean Web?"),
            (Asked(source="Fair trade"), "known: Web"),
            (Asked(owner="anne@a.example.com"), "ann@a.example.com"),
        ):
            with pytest.raises(ActionError) as refused:
                report(by(conn, "operator", FixedClock(NOW)), "leads", wrong)
            assert told in (refused.value.hint or "")
        with pytest.raises(ActionError) as refused:
            report(by(conn, "operator", FixedClock(NOW)), "leds", Asked())
        assert (refused.value.hint or "").startswith("did you mean leads")


_WRITTEN = """
WITH e AS (INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, folded_version)
           VALUES ('person', 0, 0, 'live', 1) RETURNING id),
o AS (INSERT INTO crm.outcome (kind, name) VALUES ('call', 'Won over'), ('visit', 'Won over'),
      ('call', 'Out of office') RETURNING id, kind, name),
c AS (INSERT INTO crm.call (entity_id, who, made_at, outcome_id)
      SELECT e.id, v.who, CAST(v.at AS timestamptz), o.id FROM e, (VALUES
        ('ann@a.example.com', '2026-03-01 00:30+01', 'Won over'),
        ('ann@a.example.com', '2026-03-02 12:00+01', 'Out of office'),
        ('bob@a.example.com', '2026-04-01 00:10+02', NULL)) AS v (who, at, name)
      LEFT JOIN o ON o.kind = 'call' AND o.name = v.name),
v AS (INSERT INTO crm.visit (entity_id, who, visited_at, outcome_id, archived_at)
      SELECT e.id, 'bob@a.example.com', CAST('2026-03-02 09:00Z' AS timestamptz), o.id, a.at
      FROM e, o, (VALUES (CAST(NULL AS timestamptz)), (now())) AS a (at) WHERE o.kind = 'visit'),
n AS (INSERT INTO crm.note (entity_id, content, who, created_at)
      SELECT e.id, 'x', w, CAST('2026-03-02 10:00Z' AS timestamptz)
      FROM e, (VALUES ('operator'), (NULL)) AS x (w))
INSERT INTO crm.task (entity_id, content, who, owner_id, completed_at)
SELECT e.id, 'x', 'operator', u.id, CAST(d.at AS timestamptz) FROM e, crm."user" u,
  (VALUES ('2026-03-03 10:00Z'), (NULL)) AS d (at) WHERE u.email = 'ann@a.example.com'
"""


def test_activity_is_counted_by_user_outcome_and_day_in_the_zone(db: Database) -> None:
    with db.engine.begin() as conn:
        set_up(conn)
        conn.execute(text(_WRITTEN))

        def activity(**asked: str) -> Any:
            found = report(by(conn, "operator", FixedClock(NOW)), "activity", Asked(**asked))
            return to_json(found)

        march = activity(first="2026-03-01", last="2026-03-31", zone="Europe/Paris")
        assert march["total"] == {
            "activities": 5, "calls": 2, "visits": 1, "messages": 0, "notes": 1, "tasks": 1,
        }  # fmt: skip
        assert {r["owner"]: r["activities"] for r in march["by_owner"]} == {
            "ann@a.example.com": 3, "bob@a.example.com": 1, "operator": 1,
        }  # fmt: skip
        assert [tuple(r.values()) for r in march["by_outcome"]] == [
            ("calls", "Out of office", 1), ("calls", "Won over", 1), ("visits", "Won over", 1),
        ]  # fmt: skip
        assert {r["day"]: r["activities"] for r in march["by_day"]} == {
            "2026-03-01": 1, "2026-03-02": 3, "2026-03-03": 1,
        }  # fmt: skip
        whole = activity()
        assert whole["total"]["calls"] == 3
        assert ("calls", None, 1) in [tuple(r.values()) for r in whole["by_outcome"]]
        assert [r["month"] for r in whole["by_month"]] == ["2026-02", "2026-03"]  # in UTC
        bobs = activity(owner="bob@a.example.com", outcome="won OVER")
        assert bobs["total"]["activities"] == bobs["total"]["visits"] == 1


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_shown_with_and_without_records(
    db: Database, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asks = [Asked(), Asked(first="2026-01-01", last="2026-12-31")][: 1 if name == "pipeline" else 2]
    with db.engine.connect() as conn:
        for asked in asks:
            _show(report(by(conn, "operator", FixedClock(NOW)), name, asked))
        assert "None" not in capsys.readouterr().out
        set_up(conn)
        conn.commit()
        Business(conn, Random(7)).go_on(150)
        conn.execute(text(_WRITTEN))
        conn.execute(text("UPDATE crm.lead SET unasked_since = '2026-02-01'"))
        for asked in asks:
            found = report(by(conn, "operator", FixedClock(NOW)), name, asked)
            jsonschema.validate(to_json(found), schema_of(type(found)))
            _show(found)
        shown = capsys.readouterr().out
        assert name in shown
        assert "None" not in shown
        assert {
            "sales-cycle": "Incoming",
            "won-lost": "by source",
            "lead-sources": "Web",
            "pipeline": "EUR",
        }.get(name, "@a.example.com").lower() in shown.lower()
