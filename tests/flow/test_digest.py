"""An initial load sends no notification of one lead; each owner gets one digest, wherever it was interrupted."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.etl import flow, notify
from hub.notify.channels import Mail, SmtpChannel
from hub.records import assignments, batches
from tests.flow.conftest import World, hubspot_contact, salesforce_lead


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> list[Mail]:
    """The messages, kept and not sent."""
    sent: list[Mail] = []
    monkeypatch.setattr(SmtpChannel, "send", lambda _, mail: sent.append(mail))
    return sent


def fill(world: World) -> None:
    """Seven leads of one source, two of another, and one that its source has converted."""
    world.add("salesforce", "leads", *(salesforce_lead(n, LastName=f"N{n}") for n in range(1, 8)))
    converted = {"IsConverted": True, "ConvertedDate": "2025-06-01"}
    world.add("salesforce", "leads", salesforce_lead(8, LastName="Won", **converted))
    for n in (1, 2):
        world.add("hubspot", "contacts", hubspot_contact(n, at=20, lastname=f"H{n}"))


def digests(world: World) -> list[Any]:
    return world.rows(
        "SELECT o.dedupe_key, u.email, o.payload, o.state FROM ops.outbox o "
        "JOIN crm.\"user\" u ON u.id = o.user_id WHERE o.event = 'leads_digest' ORDER BY u.email"
    )


def test_each_owner_gets_one_digest_of_a_load_of_two_sources(
    world: World, mails: list[Mail]
) -> None:
    fill(world)
    flow.sync(world.hub, ["salesforce", "hubspot"])
    counts: dict[str, int] = {}
    for row in digests(world):
        for source, n in row.payload["counts"].items():
            counts[source] = counts.get(source, 0) + n
    assert counts == {"salesforce": 7, "hubspot": 2}, "one was converted before it came"
    people = ["ann@owners.example.com", "bob@owners.example.com", "cid@owners.example.com"]
    assert [row.email for row in digests(world)] == people
    assert sorted(mail.to for mail in mails) == people
    assert {mail.headers["X-Hub-Event"] for mail in mails} == {"leads_digest"}
    assert all(mail.text.count("/leads\n") == 1 for mail in mails)
    alerts = world.rows("SELECT event, lead_id FROM crm.alert")
    assert [tuple(row) for row in alerts] == [("leads_digest", None)] * 3
    flow.sync(world.hub, ["salesforce", "hubspot"], full=True)
    assert len(mails) == len(digests(world)) == 3


def test_who_has_no_new_lead_gets_none(world: World, mails: list[Mail]) -> None:
    converted = {"IsConverted": True, "ConvertedDate": "2025-06-01"}
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Won", **converted))
    world.add("salesforce", "leads", salesforce_lead(2, LastName="New"))
    flow.sync(world.hub, ["salesforce"])
    (mail,) = mails
    assert mail.subject == "One new lead is yours"
    assert "salesforce: 1\n" in mail.text


def test_a_digest_goes_where_its_reader_wants_it(world: World, mails: list[Mail]) -> None:
    with world.db.owner_engine().begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO crm.notification_preference (user_id, event, web, email) "
            "SELECT id, 'leads_digest', CASE WHEN email LIKE 'ann%%' THEN 'instant' ELSE 'off' END, "
            "CASE WHEN email LIKE 'bob%%' THEN 'instant' ELSE 'off' END FROM crm.\"user\""
        )
    fill(world)
    flow.sync(world.hub, ["salesforce"])
    assert [mail.to for mail in mails] == ["bob@owners.example.com"]
    alerts = world.rows('SELECT u.email FROM crm.alert JOIN crm."user" u ON u.id = user_id')
    assert [row.email for row in alerts] == ["ann@owners.example.com"]
    assert {row.state for row in digests(world)} == {"done"}


def test_a_later_load_of_another_source_is_a_digest_of_its_own(
    world: World, mails: list[Mail]
) -> None:
    fill(world)
    flow.sync(world.hub, ["salesforce"])
    assert len(mails) == 3
    flow.sync(world.hub, ["hubspot"])
    assert [mail.subject for mail in mails[3:]] == ["One new lead is yours"] * 2


class _KilledError(Exception):
    pass


POINTS = [
    (assignments, "keep", "before"),
    (flow, "write_digests", "before"),
    (flow, "write_digests", "after"),
    (flow, "run_notify", "before"),
    (notify.outbox, "record_delivery", "before"),
    (flow, "run_notify", "after"),
    (batches, "close_batch", "before"),
    (batches, "close_batch", "after"),
    (flow, "finish", "after"),
]


def _once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, when: str) -> None:
    inner: Callable[..., Any] = getattr(place, name)
    killed: list[bool] = []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if killed:
            return inner(*args, **kwargs)
        if when == "after":
            inner(*args, **kwargs)
        killed.append(True)
        raise _KilledError

    monkeypatch.setattr(place, name, wrapped)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[2]} {point[1]}")
def test_a_load_that_was_killed_ends_with_the_same_digests(
    world: World, mails: list[Mail], monkeypatch: pytest.MonkeyPatch, point: tuple[Any, str, str]
) -> None:
    fill(world)
    _once(monkeypatch, *point)
    with pytest.raises(_KilledError):
        flow.sync(world.hub, ["salesforce", "hubspot"])
    flow.sync(world.hub, ["salesforce", "hubspot"])
    found = digests(world)
    assert [row.dedupe_key.split(":")[0] for row in found] == ["digest"] * 3
    assert sum(sum(row.payload["counts"].values()) for row in found) == 9
    assert [row.payload["counts"]["salesforce"] for row in found] in (
        [2, 2, 3],
        [2, 3, 2],
        [3, 2, 2],
    )
    assert len({mail.message_id for mail in mails}) == 3
    assert len(mails) == (4 if point[1] == "record_delivery" else 3)
    assert len(world.rows("SELECT * FROM crm.alert")) == 3
