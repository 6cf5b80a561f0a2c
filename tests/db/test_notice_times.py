"""How many messages a user gets, and when: preferences x events x quiet hours x time zones, by a simulated clock.

Each row is one user and one story. A step is a moment in UTC, the events that come then, and the alerts and
mails that the user has got in all after the hub has looked.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text

from hub.clock import FixedClock
from hub.crm import notice_settings
from hub.crm.notice_settings import Choice
from hub.db import outbox
from hub.etl.context import Hub
from hub.etl.notify import deliver_pending
from hub.model.events import Event, InquiryReceived, LeadAssigned, LeadsDigest, OwnerChanged
from hub.sandbox.smtp import Mailbox
from tests.db.conftest import seed_leads
from tests.mailbox import mail_server, mailing_to

LEADS = 30
NIGHT = {"quiet_from": "22:00", "quiet_until": "07:00"}
Step = tuple[str, str, int, int]  # moment, events, alerts in all, mails in all


@dataclass(frozen=True)
class Story:
    """What one user wants, and what happens."""

    name: str
    steps: Sequence[Step]
    modes: str = ""  # of web and e-mail, for every event; "" is the default
    profile: dict[str, Any] = field(default_factory=dict)
    zone: str = "Europe/Paris"
    is_active: bool = True


# a: a lead is assigned, i: an inquiry, g: a lead goes away, b: 40 leads at once, d: the digest of a load
STORIES = [
    Story("default", [("2026-06-01T10:00", "aigbd", 5, 4)]),
    Story("a repeated look", [("2026-06-01T10:00", "a", 1, 1), ("2026-06-01T10:01", "", 1, 1)]),
    Story("bulk work is one message", [("2026-06-01T10:00", "b", 1, 1)]),
    Story("web alone", [("2026-06-01T10:00", "aib", 3, 0)], "instant off"),
    Story("mail alone", [("2026-06-01T10:00", "aib", 0, 3)], "off instant"),
    Story("neither", [("2026-06-01T10:00", "aigbd", 0, 0)], "off off"),
    Story("has left", [("2026-06-01T10:00", "aigbd", 0, 0)], is_active=False),
    Story(
        "mail in the digest of 08:00",
        [
            ("2026-06-01T10:00", "aa", 2, 0), ("2026-06-01T15:00", "i", 3, 0),
            ("2026-06-02T05:59", "", 3, 0), ("2026-06-02T06:00", "", 3, 1),
            ("2026-06-03T06:00", "", 3, 1),
        ],
        "instant digest",
    ),
    Story(
        "a digest of one is the mail itself",
        [("2026-06-01T10:00", "a", 1, 0), ("2026-06-02T06:00", "", 1, 1)],
        "instant digest",
    ),
    Story(
        "both in the digest",
        [("2026-06-01T10:00", "aai", 0, 0), ("2026-06-02T06:00", "", 1, 1)],
        "digest digest",
    ),
    Story(
        "two digests a day",
        [
            ("2026-06-01T05:00", "aa", 2, 0), ("2026-06-01T06:00", "", 2, 1),
            ("2026-06-01T11:00", "aa", 4, 1), ("2026-06-01T12:00", "", 4, 2),
        ],
        "instant digest", {"digest_at": "08:00,14:00"},
    ),
    Story(
        "in the quiet hours",
        [
            ("2026-06-01T19:59", "a", 1, 1), ("2026-06-01T20:00", "a", 2, 1),
            ("2026-06-02T01:00", "ii", 4, 1), ("2026-06-02T04:59", "", 4, 1),
            ("2026-06-02T05:00", "a", 5, 3),  # one message for three, and the new one
        ],
        profile=NIGHT,
    ),
    Story(
        "the same hours in another zone",
        [("2026-06-01T20:00", "a", 1, 1), ("2026-06-02T02:00", "a", 2, 1), ("2026-06-02T11:00", "", 2, 2)],
        profile=NIGHT, zone="America/New_York",
    ),
    Story(
        "no quiet hours where there is a day",
        [("2026-06-01T20:00", "a", 1, 1)], profile=NIGHT, zone="Pacific/Auckland",
    ),
    Story(
        "bulk work at night",
        [("2026-06-01T21:00", "b", 1, 0), ("2026-06-02T05:00", "", 1, 1)], profile=NIGHT,
    ),
    Story(
        "clocks go forward",
        [
            ("2026-03-28T20:59", "a", 1, 1), ("2026-03-28T21:00", "a", 2, 1),
            ("2026-03-29T04:59", "", 2, 1), ("2026-03-29T05:00", "", 2, 2),
        ],
        profile=NIGHT,
    ),
    Story(
        "clocks go back",
        [
            ("2026-10-24T20:00", "a", 1, 0), ("2026-10-25T05:00", "a", 2, 0),
            ("2026-10-25T06:00", "", 2, 1),
        ],
        profile=NIGHT,
    ),
    Story(
        "a digest on the day of the change",
        [
            ("2026-10-24T10:00", "a", 1, 0), ("2026-10-25T06:30", "", 1, 0),
            ("2026-10-25T07:00", "", 1, 1),
        ],
        "instant digest",
    ),
    Story(
        "the hour that comes twice",
        [
            ("2026-10-24T23:00", "a", 1, 0), ("2026-10-25T00:30", "", 1, 1),  # the first 02:30
            ("2026-10-25T00:40", "a", 2, 1), ("2026-10-25T01:30", "", 2, 1),  # not the second
            ("2026-10-26T01:30", "", 2, 2),
        ],
        "instant digest", {"digest_at": "02:30"},
    ),
    Story(
        "a weekend",
        [
            ("2026-06-05T18:00", "a", 1, 1), ("2026-06-05T22:00", "a", 2, 1),
            ("2026-06-07T12:00", "aa", 4, 1), ("2026-06-07T21:59", "", 4, 1),
            ("2026-06-07T22:00", "", 4, 2),
        ],
        profile={"quiet_weekends": True},
    ),
    Story(
        "a digest and the quiet hours end together",
        [("2026-06-01T20:00", "aai", 3, 0), ("2026-06-02T05:00", "", 3, 1)],
        "instant digest", {**NIGHT, "digest_at": "06:00"},
    ),
    Story(
        "a digest at an hour that does not exist",
        [("2026-03-28T12:00", "a", 1, 0), ("2026-03-29T01:29", "", 1, 0), ("2026-03-29T01:30", "", 1, 1)],
        "instant digest", {"digest_at": "02:30"},
    ),
]  # fmt: skip


@pytest.fixture
def box() -> Iterator[tuple[Mailbox, int]]:
    with mail_server() as made:
        yield made


def _user(conn: Connection, n: int, story: Story) -> int:
    made: int = conn.execute(
        text(
            'INSERT INTO crm."user" (email, name, is_active, timezone, managed_by) '
            "VALUES (:email, :name, :active, :zone, 'person') RETURNING id"
        ),
        {"email": f"u{n}@acme.example.com", "name": story.name, "active": story.is_active, "zone": story.zone},
    ).scalar_one()  # fmt: skip
    if story.profile:
        notice_settings.set_profile(conn, made, story.profile)
    if story.modes:
        web, email = story.modes.split()
        for event in (
            "lead_assigned",
            "inquiry_received",
            "lead_reassigned_away",
            "bulk_assigned",
            "leads_digest",
        ):
            notice_settings.set_choice(conn, made, event, Choice(web, email, "off"))
    return made


def _event(kind: str, key: str, user: int, leads: Sequence[int], n: int) -> Event:
    lead = leads[n % len(leads)]
    made: dict[str, Event] = {
        "a": LeadAssigned(f"a/b/{key}", user, lead, rule="Europe"),
        "i": InquiryReceived(f"a/b/{key}", user, lead, None, "A demo", "Please."),
        "g": OwnerChanged(user, is_gain=False, record_kind="lead", record_ids=[lead], assignment_id=n, group=None),
        "b": OwnerChanged(
            user, is_gain=True, record_kind="lead", record_ids=leads, assignment_id=n, group=None, batch_id=n
        ),
        "d": LeadsDigest(user, [(n, "salesforce", 7)]),
    }  # fmt: skip
    return made[kind]


def test_each_user_gets_exactly_the_messages_of_the_story(
    hub: Hub, box: tuple[Mailbox, int]
) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, LEADS, owned=True)
        leads = list(conn.execute(text("SELECT id FROM crm.lead ORDER BY id")).scalars())
    hub = mailing_to(hub, box[1])
    made_n = 0
    for number, story in enumerate(STORIES):
        with hub.engine.begin() as conn:
            user = _user(conn, number, story)
        found: list[Step] = []
        for moment, kinds, _, _ in story.steps:
            clock = FixedClock(datetime.fromisoformat(moment).replace(tzinfo=UTC))
            events = []
            for kind in kinds:
                made_n += 1
                events.append(_event(kind, f"{number}/{made_n}", user, leads, made_n))
            with hub.engine.begin() as conn:
                outbox.put(conn, events)
            deliver_pending(replace(hub, clock=clock))
            with hub.engine.connect() as conn:
                alerts = conn.execute(
                    text("SELECT count(*) FROM crm.alert WHERE user_id = :user"), {"user": user}
                ).scalar_one()
            mails = [m for m in box[0].mail() if m["to"] == [f"u{number}@acme.example.com"]]
            assert len({m["message_id"] for m in mails}) == len(mails), story.name
            found.append((moment, kinds, alerts, len(mails)))
        assert found == list(story.steps), story.name
    with hub.engine.connect() as conn:
        left = conn.execute(
            text("SELECT count(*) FROM ops.outbox WHERE state IN ('pending', 'held')")
        )
        assert left.scalar_one() == 0


def _held(hub: Hub, box: tuple[Mailbox, int], profile: dict[str, Any]) -> tuple[Hub, list[int]]:
    """A user with two leads whose mails are held."""
    with hub.engine.begin() as conn:
        seed_leads(conn, 3, owned=True)
        rows = conn.execute(text("SELECT id, owner_id FROM crm.lead ORDER BY id")).all()
        user, leads = rows[0].owner_id, [row.id for row in rows]
        notice_settings.set_profile(conn, user, profile)
        outbox.put(conn, [LeadAssigned(f"a/b/{n}", user, n, rule="Europe") for n in leads])
    at = FixedClock(datetime(2026, 6, 1, 23, tzinfo=UTC))
    hub = replace(mailing_to(hub, box[1]), clock=at)
    assert deliver_pending(hub) == {"alerts": 3, "held": 3}
    return replace(hub, clock=FixedClock(datetime(2026, 6, 2, 7, tzinfo=UTC))), leads


def test_what_was_held_is_one_mail_in_the_language_of_its_reader(
    hub: Hub, box: tuple[Mailbox, int]
) -> None:
    later, leads = _held(hub, box, {**NIGHT, "language": "fr"})
    assert deliver_pending(later) == {"emails": 1}
    (mail,) = box[0].mail()
    assert mail["subject"] == "3 notifications"
    assert mail["text"].startswith("Vous avez 3 nouvelles notifications.")
    for lead in leads:
        assert f"/leads/{lead}" in mail["text"]
    assert mail["html"].count("<li>") == 3


def test_an_undone_event_is_in_no_digest(hub: Hub, box: tuple[Mailbox, int]) -> None:
    later, leads = _held(hub, box, NIGHT)
    with hub.engine.begin() as conn:
        outbox.let_go(conn, leads[:1], [], [f"lead_assigned:a/b/{leads[1]}"], 1)
    assert deliver_pending(later) == {"emails": 1}
    (mail,) = box[0].mail()
    assert mail["subject"].startswith("New lead"), "one is left, and is the mail itself"


def test_an_event_undone_after_it_was_collected_is_left_out(
    hub: Hub, box: tuple[Mailbox, int]
) -> None:
    later, leads = _held(hub, box, NIGHT)
    with hub.engine.begin() as conn:
        assert outbox.collect(conn, later.clock.now()) == 1
        outbox.let_go(conn, leads[:1], [], [], 1)
    assert deliver_pending(later) == {"emails": 1}
    assert box[0].mail()[0]["subject"] == "2 notifications"


def test_a_digest_that_was_killed_after_the_mail_is_the_same_mail(
    hub: Hub, box: tuple[Mailbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    later, _ = _held(hub, box, NIGHT)

    def killed(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "record_delivery", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver_pending(later)
    deliver_pending(later)
    first, second = box[0].mail()
    assert first["message_id"] == second["message_id"]
    assert first["text"] == second["text"]


class _Hooked(BaseHTTPRequestHandler):
    got: list[dict[str, Any]] = []  # noqa: RUF012  # the server makes the handler
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append(json.loads(body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise's e-mail plug-in
def test_a_message_through_apprise_is_repeated_until_it_is_taken(
    hub: Hub, box: tuple[Mailbox, int]
) -> None:
    pytest.importorskip("apprise")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hooked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = SecretStr(f"json://127.0.0.1:{server.server_port}/secret-part")
    settings = hub.settings.model_copy(update={"apprise": {"phone": target}})
    hub = replace(mailing_to(hub, box[1]), settings=settings)
    _Hooked.got, _Hooked.status = [], 503
    try:
        with hub.engine.begin() as conn:
            seed_leads(conn, 1, owned=True)
            lead, user = conn.execute(text("SELECT id, owner_id FROM crm.lead")).one()
            notice_settings.set_profile(conn, user, {"apprise": "phone"})
            notice_settings.set_choice(
                conn, user, "lead_assigned", Choice("instant", "off", "instant")
            )
            outbox.put(conn, [LeadAssigned("a/b/1", user, lead, rule="Europe")])
        first = deliver_pending(hub)
        assert first in ({"alerts": 1}, {"alerts": 1, "deferred": 1})
        deliver_pending(hub)
        with hub.engine.begin() as conn:
            why = conn.execute(text("SELECT last_error FROM ops.outbox WHERE channel = 'apprise'"))
            assert why.scalar_one() == "the Apprise target 'phone' did not take the message"
            conn.execute(text("UPDATE ops.outbox SET not_before = now() WHERE state = 'pending'"))
        _Hooked.status = 200
        assert deliver_pending(hub) == {"others": 1}
        assert deliver_pending(hub) == {}
    finally:
        server.shutdown()
        server.server_close()
    assert [one["title"] for one in _Hooked.got][-1].startswith("New lead")
    with hub.engine.connect() as conn:
        rows = conn.execute(text("SELECT channel, recipient, state FROM ops.delivery")).all()
    assert [tuple(row) for row in rows] == [("apprise", "phone", "sent")]
