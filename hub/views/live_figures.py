"""The figures of live leads, for Prometheus: read from the database, so they hold for all workers together."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.db import outbox_figures
from hub.db.outbox_figures import OwnerTimes
from hub.frozen import dataclass
from hub.records import batch_history, budgets
from hub.records.batch_history import Recovered


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the whole hub at a moment.

    Args:
        leads: new leads with a first owner, by source.
        owner_times: seconds from requests to owners.
        mails: mails by state.
        recovered: what the latest syncs have found instead of webhooks.
        budget_left: requests that are left, by account and budget.
    """

    leads: Mapping[str, int]
    owner_times: OwnerTimes
    mails: Mapping[str, int]
    recovered: Sequence[Recovered]
    budget_left: Mapping[tuple[str, str], int]


def read(conn: Connection) -> Figures:
    """Return the figures of this moment."""
    return Figures(
        outbox_figures.leads_by_source(conn),
        outbox_figures.owner_times(conn),
        outbox_figures.mails_by_state(conn),
        batch_history.recovered(conn),
        _left(conn),
    )


def _left(conn: Connection) -> dict[tuple[str, str], int]:
    """Return what is left of each rate's window, and of each day's quota, where they are known."""
    found: dict[tuple[str, str], int] = {}
    for row in budgets.all_rows(conn):
        place = (row["account"], row["name"])
        if row["name"] != budgets.DAY and row["requests"]:
            found[place] = max(row["requests"] - (row["in_window"] or 0), 0)
        elif row["name"] == budgets.DAY and row["day_limit"]:
            found[place] = max(row["day_limit"] - (row["day_used"] or 0), 0)
    return found
