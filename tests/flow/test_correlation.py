"""One id names a request in every log and in the e-mail that it causes; figures are the same in every gateway."""

from pathlib import Path

import requests
import structlog

from hub.clock import SystemClock
from hub.live.worker import run_until_empty
from hub.records import budgets
from tests.flow.conftest import World, hubspot_contact, mailchimp_member
from tests.gateways import running, settings_of
from tests.lives import HandVendors, answered, hint, put
from tests.mailbox import mail_server, mailing_to

LEAD = {"lifecyclestage": "lead", "lastname": "Moreau"}


def test_a_mail_names_the_request_that_caused_it_and_figures_count_it(
    world: World, tmp_path: Path
) -> None:
    world.add("hubspot", "contacts", *(
        hubspot_contact(n, at=n, email=f"h{n}@h{n}.example.com", **LEAD) for n in (1, 2)
    ))  # fmt: skip
    world.add("mailchimp", "members", *(
        mailchimp_member(f"m{n}", at=n, email_address=f"m{n}@m{n}.example.com", status="subscribed",
                         member_rating=5, merge_fields={"FNAME": "Lea", "LNAME": f"Roux{n}"})
        for n in (3, 4)
    ))  # fmt: skip
    put(
        world.hub.engine,
        answered("t5", email="t5@t5.example.com", last_name="Bo"),
        *(hint("hubspot", "contacts", str(n)) for n in (1, 2)),
        *(hint("mailchimp", "members", f"m{n}") for n in (3, 4)),
    )
    with mail_server() as (box, port), structlog.testing.capture_logs() as logged:
        run_until_empty(mailing_to(world.hub, port), HandVendors(world.vendors))
        named = {
            line.partition("E-mail: ")[2].strip(): mail["headers"].get("X-Correlation-Id")
            for mail in box.mail()
            for line in mail["text"].splitlines()
            if line.startswith("E-mail: ")
        }
    wanted = {
        "t5@t5.example.com": "c-t5",
        **{f"h{n}@h{n}.example.com": f"c-created/{n}" for n in (1, 2)},
        **{f"m{n}@m{n}.example.com": f"c-created/m{n}" for n in (3, 4)},
    }
    assert named == wanted
    for one in wanted.values():
        events = {line["event"] for line in logged if line.get("correlation_id") == one}
        assert events >= {"event_landed", "mail_sent"}, one
    told = world.rows("SELECT state, correlation_id FROM reporting.deliveries")
    assert sorted(tuple(row) for row in told) == sorted(("sent", one) for one in wanted.values())

    with world.db.engine.begin() as conn:
        budgets.lock(conn, "hubspot/1", ["search"])
        budgets.write_log(conn, "hubspot/1", "search", [SystemClock().now()], requests=5, per_s=60)
        budgets.write_usage(conn, "hubspot/1", 40, 100, SystemClock().now())
        conn.exec_driver_sql(
            "INSERT INTO ops.batch (source, kind, lane, state, windows) VALUES "
            """('hubspot', 'sync', 'live', 'done', '{"contacts": {"recovered": 7}}')"""
        )
    with (
        running(settings_of(tmp_path), world.db) as one,
        running(settings_of(tmp_path), world.db) as two,
    ):
        texts = [requests.get(f"{at.private}/metrics", timeout=10).text for at in (one, two)]
    for text in texts:
        for line in (
            'hub_leads_total{source="hubspot"} 2.0',
            'hub_leads_total{source="mailchimp"} 2.0',
            'hub_leads_total{source="typeform"} 1.0',
            'hub_lead_owner_seconds_bucket{le="+Inf"} 5.0',
            "hub_lead_owner_seconds_count 5.0",
            'hub_mails{state="sent"} 5.0',
            'hub_mails{state="deferred"} 0.0',
            'hub_recovered{source="hubspot",stream="contacts"} 7.0',
            'hub_budget_left{account="hubspot/1",budget="search"} 4.0',
            'hub_budget_left{account="hubspot/1",budget="day"} 60.0',
        ):
            assert line in text, line
        assert "example.com" not in text
    shown = [
        [n for n in text.splitlines() if n.startswith(("hub_lead", "hub_mails"))] for text in texts
    ]
    assert shown[0] == shown[1]
