"""Users are alerted once to each change of a source's state, in the words of `hub status`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from hub.actions.batches.undo import undo_batch
from hub.actions.identity.erase import erase
from hub.actions.setup import notifications
from hub.clock import SystemClock
from hub.errors import BudgetError, CredentialError, TransientError
from hub.etl import alerts, flow
from hub.etl.completeness import unproved
from hub.etl.proof import prove
from hub.records import batches
from hub.sandbox.smtp import Mailbox
from hub.settings import AlertSettings
from tests.acting import acting, by
from tests.cli.test_red_runs import LOSE
from tests.flow.conftest import World, salesforce_lead
from tests.flow.test_contained import Failing
from tests.mailbox import mail_server, mailing_to

SF = ["salesforce"]
OPS = "ops@acme.example.com"
BOTH = ("failed", "recovered")


@dataclass
class Watched:
    """A world whose alerts go to an admin and to an address, over a real mail server."""

    world: World
    box: Mailbox
    vendor: Failing
    admin: str
    number: int = 0

    def sync(self, *, new: bool = True, **values: str) -> None:
        if new:
            self.number += 1
            lead = salesforce_lead(self.number, LastName=f"N{self.number}", **values)
            self.world.add("salesforce", "leads", lead)
        flow.sync(self.world.hub, SF)

    def hide(self) -> None:
        """Let the vendor count a record that it does not hand out."""
        self.number += 1
        self.world.add("salesforce", "leads", salesforce_lead(self.number, LastName="Hidden"))
        self.vendor.hidden.add(self.vendor.objects["leads"][-1].source_id or "")

    def status(self) -> list[str]:
        with self.world.db.engine.begin() as conn:
            return unproved(conn, "salesforce")

    def told(self) -> list[tuple[str, str, str]]:
        """Take the alerts from the mail server: receiver, event, first line."""
        mails = [m for m in self.box.mail() if m["headers"]["X-Hub-Event"].startswith("source_")]
        self.box.clear()
        return sorted(
            (m["to"][0], m["headers"]["X-Hub-Event"], m["text"].splitlines()[0]) for m in mails
        )

    def to_each(self, event: str, line: str) -> list[tuple[str, str, str]]:
        return sorted((to, event, line) for to in (self.admin, OPS))

    def in_hub(self) -> list[str]:
        """The alerts of the admin in the hub, as `hub alerts` shows them; the newest first."""
        with self.world.db.engine.begin() as conn:
            found = notifications.alerts_of(by(conn, self.admin))
        return [one.text for one in found if one.event.startswith("source_")]


@pytest.fixture
def watched(world: World) -> Iterator[Watched]:
    (admin,) = world.rows(
        "UPDATE crm.\"user\" SET role = 'admin', timezone = 'Europe/Paris' WHERE id = "
        '(SELECT min(id) FROM crm."user") RETURNING email'
    )
    vendor = Failing("salesforce", names=("users", "leads"), streams_hit=("users", "leads"))
    world.vendors["salesforce"] = vendor
    with mail_server() as (box, port):
        hub = mailing_to(world.hub, port)
        to = [AlertSettings(), AlertSettings(to=[OPS, "admins"])]
        world.hub = replace(hub, settings=hub.settings.model_copy(update={"alerts": to}))
        yield Watched(world, box, vendor, admin.email)


def test_a_failure_is_told_once_in_the_words_of_the_status_and_so_is_its_end(
    watched: Watched,
) -> None:
    watched.sync()
    assert watched.told() == []
    watched.hide()
    watched.sync(new=False)
    (said,) = watched.status()
    assert said.startswith(
        "salesforce/leads: the source counted 1, handed out 0; missing 1 between"
    )
    assert watched.told() == watched.to_each("source_failed", said)
    assert watched.in_hub() == [said]
    watched.sync()
    assert watched.status() != [said], "the numbers are others"
    assert watched.told() == [], "it is the same state"
    watched.vendor.hidden.clear()
    watched.sync()
    assert watched.status() == []
    over = watched.told()
    assert over == watched.to_each(
        "source_recovered", "salesforce works again: its last run ended well."
    )
    assert "(Europe/Paris)" in watched.in_hub()[0]
    sent = watched.world.rows("SELECT owner_email, state FROM reporting.deliveries")
    assert sorted({(r.owner_email, r.state) for r in sent} & {(OPS, "sent")}) == [(OPS, "sent")]
    watched.sync()
    assert watched.told() == []


def test_faults_of_a_vendor_are_told_and_a_used_up_quota_is_not(watched: Watched) -> None:
    watched.vendor.streams_hit = ("users",)
    watched.vendor.error = BudgetError("the quota of the day is used up", retry_after_s=60)
    watched.sync()
    assert len(watched.status()) == 1, "shown, and nothing is wrong"
    assert watched.told() == []
    for error in (TransientError("the vendor is away"), CredentialError("the token is refused")):
        watched.vendor.error = error
        watched.sync()
    (first, *_) = watched.status()
    assert "the token is refused" in first
    told = watched.told()
    assert {event for _, event, _ in told} == {"source_failed"}
    assert {line for *_, line in told} == {
        "salesforce/users: the vendor is away; next: the next sync tries again"
    }
    _a_day_passes(watched)
    watched.sync()
    assert watched.told() == watched.to_each("source_failed", first)


def _a_day_passes(watched: Watched) -> None:
    watched.world.rows(
        "UPDATE ops.alert_state SET told_at = told_at - interval '1 day' RETURNING 1"
    )


def test_a_run_that_is_judged_later_is_told_then(watched: Watched) -> None:
    """A part is read by hand, another run waits in vain, a run is killed: each is told once."""
    watched.sync()
    hub = watched.world.hub
    users, leads = watched.vendor.streams()
    watched.vendor.error, watched.vendor.streams_hit = (
        TransientError("the vendor is away"),
        ("users",),
    )
    batch = flow.begin(hub, "salesforce", run_id="r1")
    flow.land_stream(hub, batch, users)
    assert watched.told() == [], "the run is under way"
    flow.leave(hub, batch)
    (said,) = watched.status()
    assert watched.told() == watched.to_each("source_failed", said)
    watched.vendor.error = None
    batch = flow.begin(hub, "salesforce", run_id="r2")
    flow.land_stream(hub, batch, leads)
    flow.land_stream(hub, batch, users)
    flow.leave(hub, batch)
    assert watched.told() == [], "nothing is wrong any more, but nothing is proved either"
    assert not prove(hub, "salesforce", ["r2"]).sentences()
    assert [event for _, event, _ in watched.told()] == 2 * ["source_recovered"]
    with hub.engine.begin() as conn:
        alerts.unclosed(
            conn, hub, ["salesforce", "zendesk"], alerts.LOST_RUN, ["the run was killed"]
        )
    assert watched.status() == ["the run was killed"]
    watched.sync()
    events = watched.world.rows(
        "SELECT payload FROM ops.outbox WHERE event = 'source_failed' ORDER BY id"
    )
    assert events[-1].payload["subjects"] == ["salesforce", "zendesk"], "one message for both"
    assert watched.status() == []
    told = [event for _, event, _ in watched.told()]
    assert sorted(told) == 2 * ["source_failed"] + 2 * ["source_recovered"]


def test_a_lost_record_is_told_and_named_no_longer_when_its_person_is_erased(
    watched: Watched,
) -> None:
    world = watched.world
    watched.sync(Email="first@roux.example.com")
    with world.db.owner_engine().begin() as conn:
        for statement in LOSE:
            conn.exec_driver_sql(statement.replace("SELECT min(id)", "SELECT max(id)"))
    watched.sync(Email="lost@roux.example.com")
    (said,) = watched.status()
    assert "1 records have no verdict: 00Q" in said
    assert watched.told() == watched.to_each("source_failed", said)
    home = world.hub.settings.home
    erase(world.db.engine, acting(), "lost@roux.example.com", home=home, region="FR")
    lost = f"00Q{watched.number:012d}AAA"
    assert lost in said
    for table in ("ops.batch", "ops.outbox", "ops.alert_state", "crm.alert"):
        assert world.rows(f"SELECT 1 FROM {table} t WHERE t::text LIKE '%{lost}%'") == []
    assert watched.in_hub()[0].startswith("salesforce/leads: 1 records have no verdict: [erased]")
    assert watched.status() == [watched.in_hub()[0].replace(": [erased]", "")]


def test_an_undo_tells_nothing_and_the_next_read_ends_the_failure(watched: Watched) -> None:
    watched.sync()
    watched.hide()
    watched.sync(new=False)
    assert len(watched.told()) == 2
    (last,) = watched.world.rows("SELECT max(id) AS id FROM ops.batch WHERE kind = 'sync'")
    undo_batch(watched.world.db.engine, acting(), last.id)
    assert watched.status() == []
    assert watched.told() == []
    watched.vendor.hidden.clear()
    watched.sync()
    assert [event for _, event, _ in watched.told()] == 2 * ["source_recovered"]


def test_a_live_batch_that_lost_a_record_is_told_until_the_next_good_read(
    watched: Watched,
) -> None:
    watched.sync()
    hub = watched.world.hub
    with hub.engine.begin() as conn:
        old = hub.clock.now() - 2 * batches.LIVE_AGE
        live = batches.live_batch(conn, "salesforce", old)
    watched.world.rows(
        "INSERT INTO ops.verdict (batch_id, source, stream, source_id, is_live) "
        "VALUES (:b, 'salesforce', 'leads', 'x1', true) RETURNING 1", b=live.id,
    )  # fmt: skip
    flow.run_stages(hub)
    (said,) = watched.status()
    assert said.startswith("salesforce/leads: 1 records have no verdict: x1")
    assert watched.told() == watched.to_each("source_failed", said)
    watched.sync()
    assert watched.status() == []
    assert len(watched.told()) == 2


def test_a_mail_server_that_is_away_hides_no_verdict_and_gets_the_alert_later(
    watched: Watched,
) -> None:
    hub = watched.world.hub
    away = replace(hub, settings=mailing_to(hub, 9).settings)
    watched.hide()
    flow.sync(away, SF)
    assert len(watched.status()) == 1
    assert watched.told() == []
    watched.world.rows(
        "UPDATE ops.outbox SET not_before = now() WHERE state = 'pending' RETURNING 1"
    )
    flow.run_notify(hub)
    assert len(watched.told()) == 2


RECEIVERS: Sequence[tuple[list[AlertSettings], list[str]]] = (
    ([], []),
    ([AlertSettings()], ["admin"]),
    ([AlertSettings(to=["ADMIN@x.example"])], ["admin"]),
    ([AlertSettings(to=["gone@x.example"])], []),
    ([AlertSettings(to=["a@b.example", "admins"]), AlertSettings(to=["a@b.example"])], ["a@b.example", "admin"]),
    ([AlertSettings(to=["a@b.example"], sources=["zendesk"])], []),
    ([AlertSettings(to=["a@b.example"], sources=["salesforce"], states=["recovered"])], []),
    ([AlertSettings(to=["a@b.example"], states=["failed"])], ["a@b.example"]),
)  # fmt: skip


def test_the_settings_say_who_is_told(world: World) -> None:
    world.rows("UPDATE crm.\"user\" SET role = 'rep' RETURNING 1")
    world.rows(
        'INSERT INTO crm."user" (email, name, is_active, timezone, managed_by, role) VALUES '
        "('admin@x.example', 'A', true, 'UTC', 'person', 'admin'), "
        "('gone@x.example', 'G', false, 'UTC', 'person', 'admin') RETURNING 1"
    )
    for n, (said, expected) in enumerate(RECEIVERS):
        settings = world.hub.settings.model_copy(update={"alerts": said})
        core = replace(world.hub, settings=settings, clock=SystemClock())
        world.rows("UPDATE ops.alert_state SET state = 'ok' RETURNING 1")
        with world.db.engine.begin() as conn:
            alerts.unclosed(conn, core, SF, f"reason {n}", ["it failed"])
        rows = world.rows(
            "SELECT coalesce(split_part(u.email, '@', 1), o.address) AS who FROM ops.outbox o "
            'LEFT JOIN crm."user" u ON u.id = o.user_id ORDER BY o.id'
        )
        assert [row.who for row in rows] == expected, said
        world.rows("DELETE FROM ops.outbox RETURNING 1")
