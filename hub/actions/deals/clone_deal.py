"""Clone a deal: once, or as payments that recur; also into another pipeline. docs/deals.md states the rules."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from sqlalchemy import text

from hub.actions.context import Context
from hub.actions.deals import deal as actions
from hub.actions.deals.deal_fields import columns
from hub.actions.setup import pipeline as setup
from hub.crm import customer_status, deals
from hub.errors import ActionError, invalid
from hub.model.money import shared
from hub.model.records import JsonValue
from hub.records.history import note_change

MOST_TIMES = 120
EVERY = ("week", "month", "quarter", "year")
Every = Literal["week", "month", "quarter", "year"]
_invalid = partial(invalid, "deal")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_COPIED = (
    "contact_id", "organization_id", "currency", "is_hot", "source", "tags", "custom_fields",
)  # fmt: skip
_ACTIVE = text('SELECT 1 FROM crm."user" WHERE id = :id AND is_active')


@dataclass(frozen=True, slots=True)
class Plan:
    """What the clones of a deal are.

    Args:
        times: how many payments that recur; None: one clone that is no payment.
        every: the time from one payment to the next.
        value: of one clone its value; of payments the total that they share. None: the deal's value.
        each: what each payment has, in place of a share.
        each_from: the key of a custom field of the deal that holds what each payment has.
        close_date: of the one clone, or of the first payment. None: as the rules say.
        pipeline: where they begin, in its first stage; None: in the deal's own pipeline.
        name: what they are called; None: as the deal is. Payments have their period as well.
    """

    times: int | None = None
    every: Every = "month"
    value: JsonValue = None
    each: JsonValue = None
    each_from: str | None = None
    close_date: JsonValue = None
    pipeline: str | None = None
    name: str | None = None


def clone(ctx: Context, name: str, plan: Plan = Plan()) -> list[int]:
    """Clone a deal with its contacts; returns the numbers of the new ones.

    Each begins in the first stage, open, also if the deal is closed. Its owner is the deal's if
    active, else the actor, else none.

    Raises:
        ActionError: there is no such deal or pipeline, or a part of the plan is none.
    """
    conn = ctx.conn
    source, acting = actions.opened(ctx, name)
    _check(plan)
    own = actions.pipeline_of(conn, source)
    target = actions.usable(own if plan.pipeline is None else setup.used(conn, plan.pipeline))
    called = source["name"] if plan.name is None else plan.name.strip()
    if not called:
        raise _invalid("name", "a deal needs a name")
    dates = _dates(ctx, source, plan)
    values = _values(source, plan, ctx.now)
    owner = source["owner_id"]
    if owner is None or conn.execute(_ACTIVE, {"id": owner}).first() is None:
        owner = acting.user_id
    made = []
    for due, value in zip(dates, values, strict=True):
        row = {column: source[column] for column in _COPIED} | {
            "name": called if plan.times is None else _titled(called, due, plan.every),
            "value": value, "owner_id": owner, "estimated_close_date": due,
            "pipeline_id": target.id, "stage_id": target.first.id, "cloned_from": source["id"],
        }  # fmt: skip
        new = deals.insert(conn, row, ctx.who)
        deals.copy_contacts(conn, source["id"], new)
        note_change(conn, ctx.who, {"cloned": (source["id"], new)}, deal_id=new)
        made.append(new)
    customer_status.recompute(conn, (source["contact_id"], source["organization_id"]))
    return made


def _check(plan: Plan) -> None:
    if plan.times is not None and not 1 <= plan.times <= MOST_TIMES:
        raise _invalid("times", f"a deal is cloned 1 to {MOST_TIMES} times, not {plan.times}")
    if plan.every not in EVERY:
        raise _invalid("every", f"{plan.every!r} is not a period: {', '.join(EVERY)}")
    said = [n for n in ("value", "each", "each_from") if getattr(plan, n) is not None]
    if len(said) > 1:
        raise _invalid(said[1], f"{' and '.join(said)} were both given; one of them is allowed")
    if plan.times is None and (plan.each is not None or plan.each_from is not None):
        raise _invalid("times", "--each and --each-from need --times")


def _values(source: Mapping[str, Any], plan: Plan, now: datetime) -> Sequence[Decimal]:
    """Return the value of each clone: shares of the total, or one and the same."""
    times = plan.times or 1
    if plan.each_from is not None:
        held = source["custom_fields"].get(plan.each_from.removeprefix("custom_fields."))
        if held is None:
            raise _invalid("each_from", f"the deal has nothing in {plan.each_from!r}")
        return [_amount("each_from", held, now)] * times
    if plan.each is not None:
        return [_amount("each", plan.each, now)] * times
    total = source["value"] if plan.value is None else _amount("value", plan.value, now)
    return shared(total, times, source["currency"])


def _amount(name: str, said: JsonValue, now: datetime) -> Decimal:
    try:
        amount: Decimal = columns({"value": said}, now)["value"]
    except ActionError as exc:
        raise _invalid(name, exc.message) from exc
    return amount


def _dates(ctx: Context, source: Mapping[str, Any], plan: Plan) -> Sequence[date | None]:
    """Return the close date of each clone."""
    said: date | None = None
    if plan.close_date is not None:
        said = columns({"close_date": plan.close_date}, ctx.now)["estimated_close_date"]
    due: date | None = source["estimated_close_date"]
    if plan.times is None:
        return [said or due]
    if said is not None:
        return [later(said, plan.every, n) for n in range(plan.times)]
    if due is None and source["closed_at"] is not None:
        due = source["closed_at"].date()
    start: date = due or ctx.now.date()
    return [later(start, plan.every, n) for n in range(1, plan.times + 1)]


def _titled(called: str, due: date | None, every: Every) -> str:
    if due is None:
        return called
    period = {"week": f"{due:%Y-%m-%d}", "month": f"{due:%Y-%m}", "year": f"{due:%Y}"}
    return f"{called} ({period.get(every, f'{due:%Y}-Q{(due.month + 2) // 3}')})"


def later(day: date, every: Every, n: int) -> date:
    """Return a day so many periods later; the last of the month where it has no such day."""
    return day + timedelta(weeks=n) if every == "week" else months_later(day, n * _MONTHS[every])


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later; the last of the month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
