"""An erased person is nowhere: no table, no file, no log; and no source brings the person back."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from hub.actions.activities import activity, task
from hub.actions.batches.undo import undo_batch
from hub.actions.identity.erase import erase, erase_again, erasures, preview_erase
from hub.actions.identity.merge import merge
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.db.backup import backup_path, restore_backup, write_backup
from hub.db.client_programs import programs_for
from hub.db.embedded import SUPERUSER, Server
from hub.erase.receipt import Receipt
from hub.errors import ActionError
from hub.etl import flow, rederive, reprocess
from tests.acting import SYSTEM, acting, by
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
from tests.flow.test_planned import plan

OWN = "lea@moreau.example.com"
SECOND = "lea.m@home.example.org"
PLANTED = (
    OWN, SECOND, "moreau.example.com", "lea moreau", "moreau, lea", "612345678", "12 34 56 78",
    "rue des lilas", "chief fig officer", "she prefers figs", "figs are late", "call about figs",
    "a basket of figs", "f1:answer-of-lea", "00q000000000001aaa", "00q000000000011aaa", "mc-lea-figs",
)  # fmt: skip
"""What only this person's records say; compared without case."""


def sources_of_lea(world: World) -> None:
    """One person in five sources, under two addresses and three spellings; and somebody beside."""
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
                        phone="+33612345678", birthdate="no date, but figs are late"),
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
    plan(world, 1)
    plan(world, 901)


def files_of(home: Path) -> None:
    (home / "dagster" / "logs").mkdir(parents=True)
    (home / "dagster" / "logs" / "run.err").write_text(f"started\nbad row: {OWN.upper()}\n")
    (home / "dagster.log").write_text("reply of the server: Lea Moreau is away\n")
    (home / "hub.yaml").write_text("sources: {}\n")


_DAGSTER = (
    "CREATE TABLE dagster.event_logs (id bigint PRIMARY KEY, event text NOT NULL)",
    "CREATE TABLE dagster.run_tags (id bigint PRIMARY KEY, key text, value text)",
)


def dagster_of(world: World) -> None:
    """What Dagster keeps of a run, as its tables hold it: JSON as a text."""
    event = json.dumps({"message": f"row of {OWN}", "inner": json.dumps({"name": "Léa Moreau"})})
    with world.db.engine.begin() as conn:
        for statement in _DAGSTER:
            conn.execute(text(statement))
        conn.execute(text("INSERT INTO dagster.event_logs VALUES (1, :event)"), {"event": event})
        conn.execute(text("INSERT INTO dagster.run_tags VALUES (1, 'who', :own)"), {"own": OWN})


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
    parts = body.split("\\x")[1:]
    digits = [
        "".join(c for c in part[: len(part) // 2 * 2] if c in "0123456789abcdef") for part in parts
    ]
    return " ".join(bytes.fromhex(d[: len(d) // 2 * 2]).decode("utf-8", "replace") for d in digits)


def erased(world: World, said: str = OWN) -> Receipt:
    return erase(world.db.engine, acting(), said, home=world.hub.settings.home, region="FR")


@pytest.fixture
def lea(world: World) -> World:
    sources_of_lea(world)
    assert flow.sync(world.hub, list(STREAMS)).holds
    worked_on(world)
    files_of(world.hub.settings.home)
    dagster_of(world)
    missing = set(PLANTED) - {one for said in hits(world).values() for one in said}
    assert not missing, "the scan finds what was planted"
    return world


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
    restore = backup_of(lea, server, backup_path(home, SYSTEM.now(), "0001"))
    before = ledgers(lea)
    batches = [
        row.id for row in lea.rows("SELECT id FROM ops.batch WHERE kind = 'sync' ORDER BY id")
    ]
    said = preview_erase(lea.db.engine, acting(), OWN, home=home, region="FR")
    assert said.is_dry_run
    assert set(PLANTED) == {one for found in hits(lea).values() for one in found}, "nothing went"
    receipt = erased(lea)
    assert hits(lea) == {}
    assert receipt.is_complete
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
    _nothing_brings_back(lea, batches)
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
