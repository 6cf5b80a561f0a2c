"""Rehearse a migration: run the stages over a copy of the database, and keep what they made as the plan.

The dry run is the real run, elsewhere: the same records, the same code, the same data. Only deliveries
are left out. The plan stays with the batch (`ops.plan`); the copy is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.db.copies import copied
from hub.db.locks import only_one
from hub.db.place import Place
from hub.etl import closing
from hub.etl.context import Hub
from hub.landing import refusals
from hub.landing.refusals import Refusals
from hub.migration.adopting import adopt
from hub.migration.open_questions import OpenQuestion, open_questions
from hub.migration.outcomes import outcomes
from hub.migration.planning import busy
from hub.migration.stages import Say, run_quietly
from hub.records import ledger, migrations, plans
from hub.records.ledger import StreamLedger
from hub.records.migrations import Migration


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal found.

    Args:
        ledgers: as they will be.
        refusals: the values and records that will be refused.
        questions: what is decided by nobody yet.
    """

    ledgers: Sequence[StreamLedger]
    refusals: Sequence[Refusals]
    questions: Sequence[OpenQuestion] = ()


def rehearse(hub: Hub, place: Place, found: Migration, say: Say = lambda _: None) -> Rehearsed:
    """Run a migration over a copy of the database, and store its plan.

    Args:
        hub: the hub.
        place: its database.
        found: the migration; all it could read was read.
        say: told which step begins.

    Raises:
        ActionError: another process works on the source's migration.
        ConfigError: the database's role may not create a database.
        HubError: the database could not be copied.
    """
    with only_one(hub.engine, f"migration:{found.batch.source}") as is_ours:
        if not is_ours:
            raise busy(found.batch.source)
        say("copy the database")
        with copied(place, f"hub_rehearsal_{found.batch.id}") as copy:
            there = replace(hub, engine=copy.engine)
            say("land")
            adopt(there, found)
            run_quietly(there, found.batch, say)
            closing.end_waiting(there, found.batch)
            say("compare")
            with copy.engine.begin() as after, hub.engine.begin() as before:
                done = Rehearsed(
                    ledger.of_batch(after, found.batch.id),
                    refusals.of_batch(after, found.batch.id),
                    open_questions(after, before, found.batch),
                )
                plans.clear(before, found.batch.id)
                for page in outcomes(after, before, found.batch.id):
                    plans.add(before, found.batch.id, page)
                migrations.mark(before, found.batch.id, "rehearsed_at")
        return done
