"""An erased person is nowhere: no table, no file, no log; and no source brings the person back."""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from hub.actions.activities import activity, task
from hub.actions.batches.undo import undo_batch
from hub.actions.identity import consent
from hub.actions.identity.erase import erase, erase_again, erasures, preview_erase
from hub.actions.identity.merge import merge
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.actions.setup import smart_list
from hub.db.backup import backup_path, restore_backup, write_backup
from hub.db.client_programs import programs_for
from hub.db.embedded import SUPERUSER, Server
from hub.erase.receipt import Receipt
from hub.errors import ActionError
from hub.etl import flow, rederive, reprocess
from hub.lists.document import read
from hub.views.consents import AddressConsent
from tests.acting import SYSTEM, acting, by
from tests.flow import dagster_run
from tests.flow.conftest import (
    STREAMS,
    World,
    hubspot_contact,
    mailchimp_member,
    salesforce_lead,
    typeform_answer,
    zendesk_ticket,
    zendesk_user,
)
from tests.flow.selling import WHO, act

OWN = "lea@moreau.example.com"
SECOND = "lea.m@home.example.org"
PLANTED = (
    OWN, SECOND, "moreau.example.com", "lea moreau", "moreau, lea", "612345678", "12 34 56 78",
    "rue des lilas", "chief fig officer", "she prefers figs", "figs are late", "call about figs",
    "a basket of figs", "f1:answer-of-lea", "00q000000000001aaa", "00q000000000011aaa", "mc-lea-figs",
)  # fmt: skip
"""Values of this person's records alone; compared without case."""


def sources_of_lea(world: World) -> None:
    """One person in five sources, under two addresses and three spellings; and another person."""
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email=OWN, Street="3, rue des Lilas",
                        Title="Chief Fig Officer", MobilePhone="06 12 34 56 78"),
        salesforce_lead(11, FirstName="Léa", LastName="Moreau", Email=SECOND),
        salesforce_lead(2, FirstName="Paul", LastName="Roux", Email="paul@roux.example.com",
                        Description=f"Friend of Lea Moreau ({OWN}), phone +33 6 12 34 56 78"),
    )  # fmt: skip
    world.add(
        "hubspot", "contacts",
        hubspot_contact(5, firstname="Lea", lastname="Moreau", email="LEA+news@moreau.example.com",
                        phone="+33612345678", createdate="no date, but figs are late"),
    )  # fmt: skip
    world.add(
        "mailchimp", "members",
        mailchimp_member("mc-lea-figs", email_address=OWN, full_name="Lea Moreau",
                         status="unsubscribed", last_note={"note": "She prefers figs"}),
    )  # fmt: skip
    world.add("zendesk", "users", zendesk_user(77, name="Lea Moreau", email=OWN))
    world.add(
        "zendesk", "tickets",
        zendesk_ticket(78, subject="Figs are late", requester_id=77, description=f"From {OWN}"),
        zendesk_ticket(79, subject="Other", requester_id=80, description=f"Ask Moreau, Lea ({OWN})"),
    )  # fmt: skip
    world.add("zendesk", "users", zendesk_user(80, name="Paul Roux", email="paul@roux.example.com"))
    world.add(
        "typeform", "responses",
        typeform_answer("answer-of-lea", email=OWN, first_name="Lea", last_name="Moreau",
                        message="Call about figs"),
    )  # fmt: skip


def sf_id(number: int) -> str:
    return f"00Q{number:012d}AAA"


def lead_named(world: World, record: str) -> str:
    (row,) = world.rows(
        "SELECT l.id FROM ops.source_record s JOIN crm.lead l USING (entity_id) "
        "WHERE s.source_id = :id AND s.target = 'person'", id=record,
    )  # fmt: skip
    return f"lead/{row.id}"


_PLANNED = """
WITH batch AS (INSERT INTO ops.batch (kind, source, lane, state)
  VALUES ('migrate', 'salesforce', 'bulk', 'planned') RETURNING id)
INSERT INTO landing.planned (batch_id, stream, key, source_id, op, at, version, payload)
SELECT b.id, r.stream, '', r.source_id, r.op, r.at, r.version, r.payload
FROM batch b, landing.raw r WHERE r.source = 'salesforce' AND r.stream = 'leads' AND r.payload IS NOT NULL
"""


def worked_on(world: World) -> None:
    """Merged, edited, converted with a deal, written about; in quarantine, and in a planned batch."""
    one, other = lead_named(world, "00Q000000000001AAA"), lead_named(world, "00Q000000000011AAA")
    act(world, merge, WHO, one, other)
    act(world, edit, WHO, one, {"description": "Sent a basket of figs"})
    act(world, convert, WHO, one, Wish(deal_name="Lea Moreau, 100 seats", values={"value": "1200"}))
    (deal,) = world.rows("SELECT id FROM crm.deal")
    act(
        world,
        activity.write,
        WHO,
        "note",
        f"deal/{deal.id}",
        {"content": "Lea said yes; Moreau pays later"},
    )
    act(world, activity.write, WHO, "note", one, {"content": "She prefers figs"})
    act(world, task.add, WHO, {"content": "Call about figs"}, on=one)
    act(world, smart_list.add, WHO, f"Figs of {OWN}", read({"object": "lead", "filter": {}}))
    act(world, smart_list.remove, WHO, f"Figs of {OWN}")  # the history of names keeps the name
    with world.db.engine.begin() as conn:
        conn.execute(text(_PLANNED))


def files_of(home: Path) -> None:
    (home / "dagster.log").write_text(f"LÉA MOREAU is away\nbad row: {OWN.upper()}\n")
    (home / "hub.yaml").write_text("sources: {}\n")


_TOLD = [OWN, SECOND, "Léa Moreau", "Moreau, Lea", "06\u202f12 34 56 78"]


def dagster_of(world: World) -> str:
    """A run of Dagster's, and all beside it, that names the person wherever a text can get in."""
    with dagster_run.instance_of(world.hub.settings, world.db) as instance:
        run_id = dagster_run.run_that_says(instance, _TOLD, 33612345678)
        dagster_run.beside_runs(instance, _TOLD)
    return run_id


_TABLES = """
SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
WHERE table_schema IN ('landing', 'ops', 'crm', 'dagster') AND table_type = 'BASE TABLE'
"""


def hits(world: World, planted: tuple[str, ...] = PLANTED) -> dict[str, list[str]]:
    """Every row of every table of every schema, and every file, as a text: what is found where."""
    found: dict[str, list[str]] = {}
    for one in world.rows(_TABLES):
        rows = world.rows(f'SELECT t::text AS body FROM "{one.schema}"."{one.name}" t')
        bodies = (
            "\n".join(row.body for row in rows) + "\n" + "\n".join(_unhexed(r.body) for r in rows)
        )
        if said := _said(bodies, planted):
            found[f"{one.schema}.{one.name}"] = said
    for file in world.hub.settings.home.rglob("*"):
        if file.is_file() and (said := _said(file.read_text(errors="replace"), planted)):
            found[str(file)] = said
    return found


def _said(where: str, planted: tuple[str, ...]) -> list[str]:
    plain = where.lower().replace("é", "e").replace("\\u00e9", "e").replace("\\\\u00e9", "e")
    return [one for one in planted if one in plain]


def _unhexed(body: str) -> str:
    """The text in the bytes of a row, which PostgreSQL writes as \\x…."""
    found = re.findall(r"\\x((?:[0-9a-f]{2})+)", body)
    return " ".join(_unpacked(bytes.fromhex(one)).decode("utf-8", "replace") for one in found)


def _unpacked(body: bytes) -> bytes:
    """The bytes, unpacked where Dagster has packed them."""
    try:
        return zlib.decompress(body)
    except zlib.error:
        return body


def erased(world: World, said: str = OWN) -> Receipt:
    return erase(world.db.engine, acting(), said, home=world.hub.settings.home, region="FR")


@pytest.fixture
def lea(world: World) -> World:
    sources_of_lea(world)
    assert flow.sync(world.hub, list(STREAMS)).holds
    worked_on(world)
    files_of(world.hub.settings.home)
    _is_everywhere(world)
    missing = set(PLANTED) - {one for said in hits(world).values() for one in said}
    assert not missing, "the scan finds what was planted"
    return world


_EVERYWHERE = """
WITH one AS (SELECT s.entity_id FROM ops.source_record s
             WHERE s.source_id = '00Q000000000001AAA'),
  records AS (SELECT s.* FROM ops.source_record s JOIN one USING (entity_id) WHERE s.target = 'person')
SELECT (SELECT count(DISTINCT source) FROM records) AS sources,
  (SELECT count(*) FROM ops.edge e JOIN records r ON r.id = e.a WHERE e.made_by = 'person:operator') AS merged,
  (SELECT count(*) FROM crm.contact JOIN one USING (entity_id)) AS contacts,
  (SELECT count(*) FROM crm.deal d JOIN crm.contact c ON c.id = d.contact_id
   JOIN one USING (entity_id)) AS deals,
  (SELECT count(*) FROM crm.ticket JOIN one USING (entity_id)) AS tickets,
  (SELECT count(*) FROM landing.quarantine q
   JOIN records r USING (source, stream, source_id)) AS quarantined,
  (SELECT count(*) FROM ops.name_change) AS names,
  (SELECT count(*) FROM landing.planned p JOIN records r USING (stream, source_id)) AS planned
"""


def _is_everywhere(world: World) -> None:
    (found,) = world.rows(_EVERYWHERE)
    assert found.sources == len(STREAMS)
    assert all(found), f"the person is in every one of these: {found}"


def ledgers(world: World) -> Mapping[tuple[int, str], int]:
    rows = world.rows(
        "SELECT batch_id, stream, count(*) AS n FROM ops.verdict GROUP BY batch_id, stream"
    )
    return {(row.batch_id, row.stream): row.n for row in rows}


def backup_of(world: World, server: Server, file: Path) -> Callable[[], None]:
    """Write a backup of now; returns what puts it back."""
    url = make_url(server.url(SUPERUSER, database=world.db.engine.url.database))
    with world.db.engine.connect() as conn:
        version = conn.execute(text("SHOW server_version_num")).scalar_one()
    programs = programs_for(url, int(version) // 10_000, is_embedded=True)
    write_backup(programs, file)

    def restore() -> None:
        world.db.engine.dispose()
        restore_backup(programs, file, is_embedded=True)

    return restore


def test_an_erased_person_is_nowhere_and_stays_away(lea: World, server: Server) -> None:
    home = lea.hub.settings.home
    run_id = dagster_of(lea)
    assert {".err", ".out"} <= dagster_run.files_of(home)
    with dagster_run.instance_of(lea.hub.settings, lea.db) as instance:
        events = dagster_run.readable(instance, run_id)
    restore = backup_of(lea, server, backup_path(home, SYSTEM.now(), "0001"))
    before = ledgers(lea)
    batches = [
        row.id for row in lea.rows("SELECT id FROM ops.batch WHERE kind = 'sync' ORDER BY id")
    ]
    said = preview_erase(lea.db.engine, acting(), OWN, home=home, region="FR")
    assert said.dry_run
    assert set(PLANTED) == {one for found in hits(lea).values() for one in found}, "nothing went"
    receipt = erased(lea)
    assert hits(lea) == {}
    with dagster_run.instance_of(lea.hub.settings, lea.db) as instance:
        assert dagster_run.readable(instance, run_id) == events
    assert receipt.complete
    assert receipt.objects == said.objects
    assert receipt.tombstones == said.tombstones
    assert said.mentions.keys() <= receipt.mentions.keys(), "what the dry run has told"
    assert not _said(json.dumps(receipt.document()), PLANTED), "the receipt names nobody"
    assert ledgers(lea) == before, "every batch counts what it counted"
    (deal,) = lea.rows("SELECT name, value FROM crm.deal")
    assert (deal.name, int(deal.value)) == ("[erased], 100 seats", 1200)
    assert [
        r.first_name for r in lea.rows("SELECT first_name FROM crm.lead WHERE archived_at IS NULL")
    ] == ["Paul"]
    _all_sources_are_blocked(lea, receipt)
    _nothing_brings_back(lea, batches)
    _nothing_is_said_of_consent(lea, receipt)
    with pytest.raises(ActionError, match="erased before"):
        erased(lea)
    restore()
    assert set(PLANTED) <= {one for found in hits(lea).values() for one in found}, (
        "it is all there again"
    )
    (again,) = erase_again(lea.db.engine, acting(), home=home)
    assert hits(lea) == {}
    assert (again.erasure, again.objects) == (receipt.erasure, receipt.objects)
    assert erase_again(lea.db.engine, acting(), home=home) == [], "once"
    assert flow.sync(lea.hub, list(STREAMS), full=True).holds
    assert hits(lea) == {}


def _all_sources_are_blocked(lea: World, receipt: Receipt) -> None:
    assert flow.sync(lea.hub, list(STREAMS), full=True).holds
    flow.run_stages(lea.hub)
    assert hits(lea) == {}, "a complete read of all sources"
    with lea.db.engine.begin() as conn:
        (kept,) = erasures(by(conn))
    assert kept.blocked >= 6, "five sources, and the ticket"
    blocked = lea.rows(
        "SELECT DISTINCT source FROM ops.verdict WHERE source_id LIKE 'erased:%' "
        "AND verdict = 'excluded' AND batch_id > :last", last=receipt.batch,
    )  # fmt: skip
    assert {row.source for row in blocked} == {
        "salesforce",
        "hubspot",
        "mailchimp",
        "zendesk",
        "typeform",
    }


def _nothing_is_said_of_consent(lea: World, receipt: Receipt) -> None:
    """An admin is told of the erasure; a user without that right sees an address like any unknown one."""
    home = lea.hub.settings.home
    with lea.db.engine.begin() as conn:
        said = consent.show(by(conn), OWN.upper(), region="FR", home=home)
        assert isinstance(said, AddressConsent)
        assert (said.states, said.events) == ((), ())
        assert said.erased is not None
        assert said.erased.erasure == receipt.erasure
        rep = by(conn, "bob@owners.example.com")
        for one in (OWN, "stranger@nowhere.example.com"):
            found = consent.show(rep, one, region="FR", home=home)
            assert found == AddressConsent(one, (), (), None)


def _nothing_brings_back(lea: World, batches: list[int]) -> None:
    """Remap, retry, a new derivation of everything, and an undo of every sync."""
    for stream in ("salesforce/leads", "hubspot/contacts", "mailchimp/members"):
        reprocess.remap(lea.hub, *stream.split("/"))
    reprocess.retry(lea.hub)
    with lea.db.engine.begin() as conn:
        conn.execute(text("UPDATE ops.derivation SET version = 'older'"))
    rederive.rederive(lea.hub)
    assert hits(lea) == {}
    for batch in batches:
        undo_batch(lea.db.engine, acting(), batch)
    assert hits(lea) == {}
