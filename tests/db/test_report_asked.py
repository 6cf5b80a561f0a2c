"""What people may ask of a report, what they are told where it cannot be, and how it is shown."""

from datetime import UTC, date, datetime
from random import Random

import pytest
from sqlalchemy import text

from hub.actions.report import Asked, report
from hub.cli.reports import _show
from hub.clock import FixedClock
from hub.db.engine import Database
from hub.errors import ActionError
from hub.reports import REPORTS
from tests.acting import by
from tests.db.sales import Business, set_up

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "asked", "field", "code"),
    [
        ("no-such", Asked(), "name", "not_found"),
        ("won-lost", Asked(first="yesterday"), "from", "invalid"),
        ("won-lost", Asked(first="2026-02-30"), "from", "invalid"),
        ("won-lost", Asked(first="0001-01-01"), "from", "invalid"),
        ("won-lost", Asked(first="2026-01-01", last="9999-12-31"), "to", "invalid"),
        ("won-lost", Asked(last="2026-01-01"), "from", "invalid"),
        ("won-lost", Asked(first="2026-02-01", last="2026-01-01"), "to", "invalid"),
        ("won-lost", Asked(zone="Mars/Olympus"), "zone", "invalid"),
        ("won-lost", Asked(owner="nobody@a.example.com"), "owner", "not_found"),
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
        assert mine["period"] == {
            "from": date(2026, 3, 1),
            "to": date(2026, 4, 1),  # it is tomorrow in Paris
            "zone": "Europe/Paris",
        }
        other = report(by(conn, "operator", FixedClock(NOW)), "leads", Asked(first="2026-03-01"))
        assert (other["period"]["to"], other["period"]["zone"]) == (date(2026, 3, 31), "UTC")


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_shown_with_and_without_records(
    db: Database, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with db.engine.connect() as conn:
        for asked in (Asked(), Asked(first="2026-01-01", last="2026-12-31")):
            _show(report(by(conn, "operator", FixedClock(NOW)), name, asked))
        assert "None" not in capsys.readouterr().out
        set_up(conn)
        conn.commit()
        Business(conn, Random(7)).go_on(150)
        conn.execute(text("UPDATE crm.lead SET unasked_since = '2026-02-01'"))
        for asked in (Asked(), Asked(first="2026-01-01", last="2026-12-31")):
            _show(report(by(conn, "operator", FixedClock(NOW)), name, asked))
        shown = capsys.readouterr().out
        assert name in shown
        assert "None" not in shown
        assert {
            "sales-cycle": "Incoming",
            "won-lost": "by source",
            "lead-sources": "Web",
            "pipeline": "EUR",
        }.get(name, "@a.example.com").lower() in shown.lower()
