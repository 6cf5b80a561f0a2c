"""Take live leads the whole way before records of an initial load or a migration.

A stage takes all that waits, so a lead that arrives now would wait until each stage has ended for thousands
of records. Here only the live lane is mapped, matched, loaded and routed. Nothing happens unless records of
both lanes wait. What is left of the live lane (companies, deals, activities) goes with the stages.
"""

from hub.db.transactions import ask
from hub.etl.context import Hub
from hub.etl.load import load_live
from hub.etl.match import match_pending
from hub.etl.normalize import normalize_pending
from hub.etl.route import route_unowned
from hub.records import folding, queue

_LOOKS, _LOOK_S = 50, 0.02


def take_live(hub: Hub) -> bool:
    """Take live people to their owners, if bulk records wait too; returns whether there were any.

    A record that another process has in hand is looked for again, for a second at most.
    """
    is_taken = False
    for _ in range(_LOOKS):
        if not ask(hub.engine, queue.both_lanes_wait):
            break
        if is_taken:
            hub.clock.sleep(_LOOK_S)
        normalize_pending(hub, only_live=True)
        match_pending(hub, only_live=True)
        load_live(hub, ask(hub.engine, folding.live_stale))
        route_unowned(hub, bulk=False)
        is_taken = True
    return is_taken
