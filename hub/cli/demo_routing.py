"""The demo's routing on trial: decisions replayed, and the rules in force tried on the last leads. Part of the demo."""

from dataclasses import dataclass

from hub.cli.output import print_mapping
from hub.clock import Clock
from hub.db.engine import Database
from hub.etl.owner_decision import rules_from
from hub.etl.routing_trial import replay, simulate_last
from hub.settings import Settings

_LAST = 200


@dataclass(frozen=True, slots=True)
class OnTrial:
    """What a trial of the routing has shown.

    Args:
        replayed: decisions that were made again from their own rows.
        different: of these with another outcome.
        simulated: last leads, decided again by the rules in force.
        moved: of these with another owner.
    """

    replayed: int
    different: int
    simulated: int
    moved: int


def try_routing(database: Database, settings: Settings, clock: Clock) -> OnTrial:
    """Replay all decisions, and simulate the last leads with the rules of hub.yaml."""
    with database.engine.begin() as conn:
        done = replay(conn)
        found = simulate_last(conn, rules_from(settings.routing), _LAST, clock.now())
    moved = sum(one.change != "same" for one in found)
    return OnTrial(done.replayed_n, len(done.differences), len(found), moved)


def show_trial(trial: OnTrial) -> None:
    """Print what the trial has shown."""
    print_mapping(
        "Routing on trial",
        {
            "decisions replayed / different": f"{trial.replayed} / {trial.different}",
            "last leads simulated / moved": f"{trial.simulated} / {trial.moved}",
        },
    )
