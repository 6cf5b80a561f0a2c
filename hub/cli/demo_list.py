"""The demo's list of prospects: rows of a trade fair, of which some make no lead. Part of the demo.

It is imported as `hub import-list` imports it. What became of the rows is read back from the batch's verdicts.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, text

from hub.actions.batches.migrate import run
from hub.actions.context import Context
from hub.cli.acting import machine_owner
from hub.cli.output import print_mapping
from hub.clock import Clock
from hub.db.engine import Database
from hub.etl.assemble import assemble
from hub.migration import files, prospects
from hub.migration.prospects import SUPPRESSED, Terms
from hub.settings import Settings

_HEADERS = ("First name", "Last name", "E-mail", "Company", "Opted out of email")
_NEW = (
    ("Noor", "Haddad", "noor@haddad-labs.example", "Haddad Labs", ""),
    ("Piet", "de Wit", "piet@dewit.example", "De Wit BV", ""),
    ("Ana", "Reis", "ana@reis.example", "Reis Lda", "yes"),
)
_KNOWN = text("""
SELECT first_name, last_name, email FROM crm.lead
WHERE email IS NOT NULL AND merged_into IS NULL AND archived_at IS NULL AND converted_at IS NULL
ORDER BY id LIMIT 1
""")
_CUSTOMER = text("""
SELECT organization_name FROM crm.contact
WHERE is_organization AND customer_status = 'current' AND merged_into IS NULL ORDER BY id LIMIT 1
""")
_VERDICTS = text(
    "SELECT verdict, count(*) AS n FROM ops.verdict WHERE batch_id = :batch GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What became of the rows of the list.

    Args:
        rows: how many rows the list has.
        verdicts: how many of the batch's records were created, merged, excluded.
        suppressed: why rows make no lead, and how many.
    """

    rows: int
    verdicts: Mapping[str, int]
    suppressed: Mapping[str, int]


def import_prospects(database: Database, settings: Settings, clock: Clock) -> Listed:
    """Import the list: new people, one of them with a refusal, a lead that the hub has, an employee of a customer."""
    path = settings.home / "prospects.csv"
    with database.engine.begin() as conn:
        rows = [*_NEW, *_of_the_hub(conn)]
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([_HEADERS, *rows])
    hub = assemble(settings, database, clock)
    terms = Terms("Trade fair", "legitimate interest").checked()
    listed = prospects.open_list(hub, path, None, terms)
    (leads,) = (stream for stream in listed.objects() if stream.name == "leads")
    suppressed = listed.marks_n(leads, SUPPRESSED)
    acts = partial(Context, actor=machine_owner(), clock=clock)
    done = run(files.with_files(hub, listed), acts, listed.source)
    with database.engine.begin() as conn:
        found = conn.execute(_VERDICTS, {"batch": done.migration.batch.id})
        verdicts = {row.verdict: row.n for row in found}
    return Listed(len(rows), verdicts, suppressed)


def _of_the_hub(conn: Connection) -> list[tuple[str, ...]]:
    """Return rows of people and companies that the hub has."""
    lead, firm = conn.execute(_KNOWN).first(), conn.execute(_CUSTOMER).scalar()
    rows = [(lead.first_name or "", lead.last_name or "", lead.email, "", "")] if lead else []
    return rows + ([("Kim", "Lund", "kim@lund.example", firm, "")] if firm else [])


def show_list(listed: Listed) -> None:
    """Print what became of the rows."""
    print_mapping(
        "A list of prospects",
        {
            "rows": listed.rows,
            **{
                f"leads {verdict}" if verdict == "created" else verdict: n
                for verdict, n in listed.verdicts.items()
            },
            **{f"excluded: {why}": n for why, n in listed.suppressed.items()},
        },
    )
