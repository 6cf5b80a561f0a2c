"""How often Dagster's daemon and web server ask the code server whether the definitions have changed.

They ask each second for the server's id, over a new connection each time: most of the CPU of an empty Dagster. The
daemon also fetches all definitions every minute, for code servers that it cannot watch; the one of `hub up` has
an id that is new after each load. `hub up` itself loads changed definitions again, through the web
server. So the daemon learns of it a few seconds later, and both see a restarted code server a few seconds
later. Dagster has constants for these, and no settings.
"""

from dagster._daemon import controller
from dagster._grpc import server_watcher

WATCH_S, FETCH_S = 5, 1800
"""Seconds between two questions for the id; seconds after which the daemon fetches all in any case."""


def watch_less_often() -> None:
    """Set this process to watch the code server every few seconds."""
    server_watcher.WATCH_INTERVAL = WATCH_S
    controller.RELOAD_WORKSPACE_INTERVAL = FETCH_S
    controller.DEFAULT_WORKSPACE_FRESHNESS_TOLERANCE = 2 * FETCH_S
