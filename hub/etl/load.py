"""Load: fold what is stale and write the CRM's rows that differ.

golden = survive(source records of the entity, edits, rules). Only a new entity or a new inquiry
is news to anybody: recomputing a record sends no notification. A chunk of people is
`hub.etl.load_people`, one of companies `hub.etl.load_companies`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from hub.db.locks import company_lock, company_watch, try_company_lock
from hub.db.transactions import run_transaction
from hub.etl.context import Hub
from hub.etl.load_companies import load_companies
from hub.etl.load_people import load_people
from hub.etl.unmatched import load_owners, load_tickets
from hub.logs import get_logger
from hub.records import entities, folding
from hub.records.companies import ORGANISATION

__all__ = ["load_owners", "load_stale", "load_tickets", "refold"]

CHUNK = 500
log = get_logger()


def load_stale(hub: Hub) -> dict[str, int]:
    """Fold and write every entity that is stale, chunk by chunk; returns counts.

    Companies come first: their people then find them.
    """
    totals: dict[str, int] = defaultdict(int)
    reopen_to = hub.settings.crm.reopen_unqualified_to
    for some in (_some_companies, lambda conn: _some_people(conn, reopen_to)):
        while counts := run_transaction(hub.engine, some):
            for name, n in counts.items():
                totals[name] += n
            log.info("entities_loaded", **counts)
    return dict(totals)


def _some_companies(conn: Connection) -> dict[str, int]:
    company_lock(conn)
    stale = folding.claim_stale(conn, CHUNK, kind=ORGANISATION)
    return load_companies(conn, stale)[0] if stale else {}


def _some_people(conn: Connection, reopen_to: str | None) -> dict[str, int]:
    company_watch(conn)
    stale = folding.claim_stale(conn, CHUNK)
    return load_people(conn, stale, reopen_to) if stale else {}


def refold(conn: Connection, entity_ids: Sequence[int]) -> Counter[str]:
    """Fold and write those of the entities that are stale, within the caller's transaction.

    People whom a company among them concerns are folded as well. Nobody waits for the lock of
    companies here, with entities in his hands: what could not be seen for sure is folded once more
    by the next load.

    Returns:
        What was done to people: how many leads and contacts were created, updated, taken back.
    """
    ids, done = list(entity_ids), Counter[str]()
    is_sure = True
    while stale := folding.claim_stale(conn, CHUNK, ids, kind=ORGANISATION):
        is_sure = try_company_lock(conn, shared=False) and is_sure
        ids += load_companies(conn, stale)[1]
    is_sure = try_company_lock(conn, shared=True) and is_sure
    while stale := folding.claim_stale(conn, CHUNK, ids):
        done.update(load_people(conn, stale))
    if not is_sure:
        entities.bump(conn, ids)
    return done
