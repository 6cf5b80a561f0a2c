"""One sandbox whose world stands still, and homes over it: one loaded, one that is up to date."""

import time
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest
from sqlalchemy import text

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.sandbox.generator import live_events
from hub.settings import Settings
from tests.processes import House, SandboxProcess, house, sandbox_process

NEWS = 14
_SEED = 3
_TIME_SCALE = 600
# one that is polled and one that is walked from the newest: killed in every stage, five take long
_SOURCES = ("salesforce", "typeform")

# Everything that may be told apart, under names that do not depend on the order of arrival: no number of a
# sequence, for a transaction that was killed has used one up.
_STATE = text("""
WITH named AS (
  SELECT l.id AS lead_id, l.entity_id,
         (SELECT string_agg(s.source || '/' || s.stream || '/' || s.source_id, ' '
                            ORDER BY s.source, s.source_id)
          FROM ops.source_record s WHERE s.entity_id = l.entity_id AND s.target = 'person') AS name
  FROM crm.lead l)
SELECT json_build_object(
 'leads', (SELECT json_object_agg(n.name, to_jsonb(l) - ARRAY['id', 'entity_id', 'owner_id',
     'batch_id', 'merged_into', 'recorded_at', 'archived_at'] || jsonb_build_object('owner', u.email,
     'is_archived', l.archived_at IS NOT NULL, 'is_merged', l.merged_into IS NOT NULL,
     'batch', b.source))
   FROM crm.lead l JOIN named n ON n.lead_id = l.id LEFT JOIN ops.batch b ON b.id = l.batch_id
   LEFT JOIN crm."user" u ON u.id = l.owner_id),
 'turns', (SELECT json_agg(json_build_array(n.name, u.email, g.name, t.rule, b.email, a.email)
     ORDER BY t.id)
   FROM ops.assignment t JOIN named n USING (lead_id) JOIN crm."user" u ON u.id = t.user_id
   LEFT JOIN crm.distribution_group g ON g.id = t.group_id
   LEFT JOIN crm."user" b ON b.id = t.next_before LEFT JOIN crm."user" a ON a.id = t.next_after),
 'groups', (SELECT json_agg(json_build_array(g.name, u.email, g.next_position) ORDER BY g.name)
   FROM crm.distribution_group g LEFT JOIN crm."user" u ON u.id = g.next_member_id),
 'alerts', (SELECT json_agg(json_build_array(regexp_replace(a.dedupe_key, '^digest:.*', 'digest'),
     u.email, a.event, a.text) ORDER BY a.event, u.email, a.text, a.dedupe_key)
   FROM crm.alert a JOIN crm."user" u ON u.id = a.user_id),
 'outbox', (SELECT json_agg(json_build_array(regexp_replace(o.dedupe_key, '^digest:.*', 'digest'),
     u.email, o.state, o.payload - ARRAY['lead_id', 'user_id', 'batches'])
     ORDER BY o.event, u.email, o.payload->'counts', o.dedupe_key)
   FROM ops.outbox o LEFT JOIN crm."user" u ON u.id = o.user_id),
 'deliveries', (SELECT json_agg(json_build_array(recipient, state) ORDER BY recipient, state)
   FROM ops.delivery),
 'records', (SELECT json_agg(json_build_array(source, stream, source_id, entity_kind, verdict)
     ORDER BY source, stream, source_id) FROM reporting.source_records),
 'raw', (SELECT json_agg(json_build_array(source, stream, source_id, op, encode(hash, 'hex'))
     ORDER BY source, stream, source_id, id) FROM landing.raw),
 'inquiries', (SELECT json_agg(json_build_array(n.name, i.message) ORDER BY n.name, i.message)
   FROM crm.inquiry i JOIN named n USING (entity_id)),
 'consents', (SELECT json_agg(json_build_array(address, channel, purpose, state)
     ORDER BY address, channel, purpose) FROM reporting.consents),
 'quarantine', (SELECT json_agg(json_build_array(source_id, field, value, reason)
     ORDER BY source_id, field) FROM landing.quarantine),
 'reviews', (SELECT count(*) FROM ops.review),
 'pending', (SELECT count(*) FROM ops.pending),
 'batches', (SELECT json_agg(json_build_array(source, lane, state, ledger) ORDER BY source, id)
   FROM ops.batch)
) AS state
""")


def state_of(made: House) -> dict[str, Any]:
    """Return the rows of a home's hub, comparable with those of another."""
    settings = Settings.model_validate({"home": str(made.home)})
    with open_database(settings, SystemClock()) as database, database.engine.begin() as conn:
        found: dict[str, Any] = conn.execute(_STATE).scalar_one()
    return found


@pytest.fixture(scope="session")
def still_sandbox() -> Iterator[SandboxProcess]:
    """Vendors whose records change only when a test says so."""
    arguments = ["--people", "40", "--seed", str(_SEED), "--time-scale", str(_TIME_SCALE)]
    with sandbox_process(*arguments) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def empty_house(still_sandbox: SandboxProcess) -> Iterator[House]:
    """A house with settings and no database yet."""
    with house() as made:
        yield still_sandbox.furnish(made, sources=_SOURCES)


_copies = count(1)


def copy_of(made: House) -> House:
    """A copy that mails under an address of its own, so that its mail can be told apart."""
    copy = made.copy_to(made.root.parent / f"c{next(_copies)}")
    copy.env["HUB_SMTP__SENDER"] = f"Lead Hub <{copy.root.name}@leadhub.example.com>"
    return copy


def mails_of(made: House, sandbox: SandboxProcess) -> list[tuple[str, str, str]]:
    """(Message-ID, to, subject) of what a house has mailed, sorted; a mail that came twice stands twice."""
    mine = f"{made.root.name}@leadhub.example.com"
    return sorted(
        (mail["message_id"], ",".join(mail["to"]), mail["subject"])
        for mail in sandbox.mails()
        if mail["from"] == mine
    )


@pytest.fixture(scope="session")
def undisturbed_load(empty_house: House) -> House:
    """The initial load, finished in peace, when the world was as the seed made it."""
    loaded = copy_of(empty_house).with_database()
    assert loaded.run("sync").returncode in {0, 3}
    return loaded


@pytest.fixture(scope="session")
def news(still_sandbox: SandboxProcess, undisturbed_load: House) -> None:
    """New people have written in, one after the other, since the initial load."""
    universe = still_sandbox.ask("GET", "/universe")
    events = (e for e in live_events(_SEED, universe) if e["source"] in _SOURCES)
    for event in islice(events, NEWS):
        still_sandbox.ask("POST", "/events", event)
        time.sleep(5 / _TIME_SCALE)  # each in a second of its own
    time.sleep(120 / _TIME_SCALE)  # past the connectors' lag
