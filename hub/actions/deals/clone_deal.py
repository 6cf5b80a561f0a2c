"""Clone a deal: once, or as one deal a month for payments that recur; also into another pipeline."""

from calendar import monthrange
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.deals import deal as actions
from hub.actions.setup import pipeline as setup
from hub.crm import customer_status, deals
from hub.errors import ActionError
from hub.records.history import note_change

MOST_MONTHS = 120
_COPIED = (
    "contact_id", "organization_id", "owner_id", "value", "currency", "is_hot", "source", "tags",
    "custom_fields",
)  # fmt: skip
_TODAY = text("SELECT CAST(now() AT TIME ZONE 'UTC' AS date)")


def clone(
    ctx: Context,
    name: str,
    *,
    months: int | None = None,
    pipeline: str | None = None,
    new_name: str | None = None,
) -> list[int]:
    """Clone a deal with its contacts; returns the numbers of the new ones.

    Args:
        ctx: who acts, in an open transaction.
        name: the deal's number.
        months: one deal for each of so many months that follow the deal's close date (its
            estimated one, else when it was closed, else today); None: one, of the same close date.
        pipeline: where they begin, in its first stage; None: in the deal's own pipeline.
        new_name: what they are called; None: as the deal is. Monthly ones have their month as well.

    Raises:
        ActionError: there is no such deal or pipeline, or the number of months is none.
    """
    conn = ctx.conn
    source, _ = actions.opened(ctx, name)
    if months is not None and not 1 <= months <= MOST_MONTHS:
        raise ActionError(
            f"a deal is cloned for 1 to {MOST_MONTHS} months, not {months}",
            resource="deal",
            field="months",
            code="invalid",
        )
    own = actions.pipeline_of(conn, source)
    target = actions.usable(own if pipeline is None else setup.find(conn, pipeline))
    called = source["name"] if new_name is None else new_name.strip()
    made = []
    for title, due in _plan(conn, source, months, called):
        values = {column: source[column] for column in _COPIED}
        values |= {
            "name": title, "estimated_close_date": due, "pipeline_id": target.id,
            "stage_id": target.first.id, "cloned_from": source["id"],
        }  # fmt: skip
        new = deals.insert(conn, values, ctx.who)
        deals.copy_contacts(conn, source["id"], new)
        note_change(conn, ctx.who, {"cloned": (source["id"], new)}, deal_id=new)
        made.append(new)
    customer_status.recompute(conn, (source["contact_id"], source["organization_id"]))
    return made


def _plan(
    conn: Connection, source: dict[str, Any], months: int | None, called: str
) -> list[tuple[str, date | None]]:
    """Return name and close date of each clone."""
    if not called:
        raise ActionError("a deal needs a name", resource="deal", field="name", code="invalid")
    due: date | None = source["estimated_close_date"]
    if months is None:
        return [(called, due)]
    if due is None and source["closed_at"] is not None:
        due = source["closed_at"].date()
    start: date = due or conn.execute(_TODAY).scalar_one()
    dates = [months_later(start, n) for n in range(1, months + 1)]
    return [(f"{called} ({day:%Y-%m})", day) for day in dates]


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later; the last of the month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
