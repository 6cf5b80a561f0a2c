"""Route: every lead without an owner gets one, exactly once, with the reasons kept.

Load gives most leads their owner when it writes them (`hub.etl.new_owners`). Route takes those that had to
wait until a load was complete, or until a member was free. The groups' rows are locked first, so turns
are taken one after the other, by any number of workers. Assignment, turn, pointer and outbox event
commit together.
"""

from collections import Counter, defaultdict

from sqlalchemy import Connection

from hub.crm import contacts, leads
from hub.crm.leads import LoadedCount
from hub.db import outbox
from hub.db.transactions import ask, run_transaction
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.etl.owner_decision import Turns, rules_of, with_companies
from hub.logs import get_logger
from hub.model.events import LeadsDigest

CHUNK = 200
log = get_logger()


def route_unowned(hub: Hub, *, bulk: bool) -> dict[str, int]:
    """Assign every lead without an owner.

    Args:
        hub: the working parts.
        bulk: also leads of initial loads, whose batches are completely loaded.

    Raises:
        ConfigError: a rule names an unknown user, or no member can take leads.
    """
    rules = rules_of(hub)

    def some(conn: Connection) -> tuple[int, int, int] | None:
        turns = Turns.begin(conn, rules, hub.clock.now())
        waiting = leads.take_unowned(conn, CHUNK, bulk=bulk)
        if not waiting:
            return None
        for lead in with_companies(conn, rules, waiting):
            turns.decide(lead)
        numbers = {lead.entity_id: lead.values["id"] for lead in waiting}
        leads.assign(conn, {numbers[entity]: user for entity, user in turns.owners.items()})
        contacts.inherit_owners(conn, turns.left_by_source)
        return len(waiting), len(turns.taken), turns.keep(conn, numbers)

    totals: Counter[str] = Counter()
    if not ask(hub.engine, leads.any_unowned):
        return {}
    while done := run_transaction(hub.engine, some):
        waiting_n, assigned_n, events_n = done
        totals["assigned"] += assigned_n
        totals["events"] += events_n
        log.info("leads_assigned", assigned=assigned_n, events=events_n)
        if not assigned_n:
            raise ConfigError(
                f"{waiting_n} leads wait for an owner, and no member of a group can take them",
                hint=f"{rules.fallback} has no active member: add one under `groups:` in hub.yaml",
            )
        if waiting_n == assigned_n < CHUNK:
            break  # a lead that has come meanwhile waits for the next call
    return dict(totals)


def write_digests(hub: Hub) -> dict[str, int]:
    """Send each owner one digest of the running initial loads; call when all leads are assigned.

    The ledger of a load is closed only after this, so a crash before it repeats the digest. A load of
    several sources is one digest. The event's key is a function of load and owner.
    """
    if not ask(hub.engine, leads.without_digest):
        return {}
    with hub.engine.begin() as conn:
        shares: dict[int, list[LoadedCount]] = defaultdict(list)
        for share in leads.without_digest(conn):
            shares[share.user_id].append(share)
        digests = [
            LeadsDigest(user_id, [(s.batch_id, s.source, s.leads_n) for s in mine])
            for user_id, mine in shares.items()
        ]
        outbox.put(conn, digests)
    return {"digests": len(shares)} if shares else {}
