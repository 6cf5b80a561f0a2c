"""The demo's second half: what a sales team does with the leads that have come, by the team's own acts.

In: a database whose leads have owners. Out: leads worked and converted, deals moved, won and lost, a
renewal, and figures that are read back from the database. Nothing here writes a row itself: it
calls the actions that the command line calls, each as the owner of the lead, each in a transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from hub.actions.activities import activity, outcome, task
from hub.actions.companies.choice import Choice, Unsure
from hub.actions.context import Context
from hub.actions.deals import clone_deal, deal, move_deal
from hub.actions.leads import convert
from hub.actions.leads import status as statuses
from hub.actions.people import edit
from hub.actions.rights import member_named
from hub.actions.setup import custom_field, pipeline, reasons, smart_list
from hub.cli.acting import machine_owner
from hub.cli.output import print_mapping, print_table
from hub.cli.tables import money
from hub.clock import Clock
from hub.crm.custom_fields import CustomField
from hub.db.engine import Database
from hub.db.transactions import run_transaction
from hub.lists import document, store
from hub.lists.templates import templates
from hub.model.records import JsonValue
from hub.reports.outcomes import won_lost
from hub.reports.pipeline import pipeline_now
from hub.reports.scope import Scope
from hub.settings import Settings

_T = TypeVar("_T")
_LEADS = 6
_RENEWAL = "Renewal"
_RENEWALS = (pipeline.NewStage("Due", 60), pipeline.NewStage("Offered", 80))
_FIELDS = (
    CustomField("company", "tier", "Tier", "list", ("Gold", "Silver")),
    CustomField("company", "renewal_date", "Renewal date", "date"),
    CustomField("deal", "deal_type", "Deal type", "list", ("New", "Upsell")),
    CustomField("deal", "monthly_payment", "Monthly payment", "number"),
    CustomField("deal", "total_contract_value", "Total contract value", "number"),
)
_LIST = "Deals of this quarter"
_OF_QUARTER = {
    "object": "deal",
    "filter": {"field": "close_date", "op": "within", "value": "next 90 days"},
    "sort": "-value",
    "columns": ["name", "stage", "value", "owner"],
}
_OUTCOME = "Wants an offer"
_LOSS = "Chose a competitor"
_REFUSED = "Too small"
_MONTHS = 3
# stages may be skipped, and gone back to
_WAYS = (
    ("Qualified", "Quote", "Closure", "Won"),
    ("Quote", "Won"),
    ("Qualified", "Incoming", "Qualified", "Closure", "Won"),
    ("Quote", "Lost"),
    ("Qualified",),
)
_HAS_BEGUN = text("SELECT EXISTS (SELECT FROM crm.custom_field)")
# the newest with an owner, a person's name and a company
_OWNED = text("""
SELECT l.id, u.email AS owner FROM crm.lead l JOIN crm."user" u ON u.id = l.owner_id
WHERE u.is_active AND u.email IS NOT NULL AND l.converted_at IS NULL AND l.merged_into IS NULL
  AND l.archived_at IS NULL AND l.contact_id IS NULL AND l.status = 'New'
  AND l.last_name IS NOT NULL AND l.organization_name IS NOT NULL
ORDER BY l.created_at DESC, l.id DESC LIMIT :n
""")
_COUNTS = text("""
SELECT (SELECT count(*) FROM crm.conversion WHERE reopened_at IS NULL) AS converted,
  count(*) AS deals, count(*) FILTER (WHERE s.category = 'won') AS won
FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id WHERE d.archived_at IS NULL
""")
# who has most to do: lists can filter by these fields
_BUSIEST = text("""
SELECT email FROM crm."user" u WHERE is_active AND email IS NOT NULL
ORDER BY (SELECT count(*) FROM crm.deal d WHERE d.owner_id = u.id) DESC, id LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class _Lead:
    id: int
    owner: str

    @property
    def name(self) -> str:
        return f"lead/{self.id}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What lists and reports show afterwards.

    Args:
        lists: how many records each smart list has.
        closed: total of the report won-lost.
        pipeline: total of the report pipeline.
    """

    lists: Mapping[str, int]
    closed: Mapping[str, Any]
    pipeline: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sales:
    """The sales process on the demo's own leads, read back from the database.

    Args:
        converted: leads that are converted.
        deals: deals that are not archived.
        won: deals in a stage that is won.
        smart_lists: how many smart lists were asked.
        report: what lists and reports show afterwards.
        steps: what was done: record, what happened.
    """

    converted: int
    deals: int
    won: int
    smart_lists: int
    report: Figures
    steps: tuple[tuple[str, str], ...]


class Seller:
    """Acts on the demo's leads, and keeps what was done, a line each.

    Args:
        database: the demo's.
        clock: what day it is.
        currency: of every deal.
        max_pipelines: how many may be in use.
    """

    def __init__(
        self, database: Database, clock: Clock, *, currency: str, max_pipelines: int
    ) -> None:
        self._engine = database.engine
        self._clock = clock
        self._currency = currency
        self._most = max_pipelines
        self.told: list[tuple[str, str]] = []

    def sell(self) -> None:
        """Go from a lead to a renewal; does nothing where that was begun before."""
        if self._act(lambda conn: bool(conn.execute(_HAS_BEGUN).scalar_one())):
            return
        rows = self._act(lambda conn: conn.execute(_OWNED, {"n": _LEADS}).all())
        leads = [_Lead(row.id, row.owner) for row in rows]
        self._set_up()
        for lead in leads:
            self._work(lead)
        if len(leads) == _LEADS:  # one of them wants nothing
            self._refuse(leads.pop())
        made = [(lead, self._convert(lead, n)) for n, lead in enumerate(leads)]
        self._move([(lead, one.deal_id) for lead, one in made if one.deal_id])
        if made:
            self._go_on_selling(*made[0])

    def _by(self, conn: Connection, email: str | None = None) -> Context:
        """Return the actor: an owner, else the machine's owner, as with every command."""
        actor = machine_owner() if email is None else member_named(conn, email)
        return Context(conn, actor, self._clock)

    def _act(self, act: Callable[[Connection], _T]) -> _T:
        return run_transaction(self._engine, act)

    def _say(self, what: str, words: str) -> None:
        self.told.append((what, words))

    def _set_up(self) -> None:
        def define(conn: Connection) -> None:
            team = self._by(conn)
            for field in _FIELDS:
                custom_field.add(team, field)
            pipeline.add(team, _RENEWAL, _RENEWALS, most=self._most, is_renewal=True)
            reasons.add_reason(team, "loss", _LOSS)
            outcome.add(team, "call", _OUTCOME)
            statuses.add_reason(team, _REFUSED)

        self._act(define)
        wanted = document.read(_OF_QUARTER)
        self._act(lambda conn: smart_list.add(self._by(conn), _LIST, wanted, is_shared=True))
        self._say("custom fields", ", ".join(f"{f.name} ({f.object})" for f in _FIELDS))

    def _work(self, lead: _Lead) -> None:
        """Call, write down, plan the next step, and say that it is being worked on."""
        due = self._clock.now() + timedelta(days=2)

        def work(conn: Connection) -> None:
            owner = self._by(conn, lead.owner)
            call: activity.Given = {
                "outcome": _OUTCOME,
                "duration_s": 240,
                "summary": "Asked for an offer",
            }
            activity.write(owner, "call", lead.name, call)
            activity.write(owner, "note", lead.name, {"content": "Decides in spring"})
            task.add(owner, {"content": "Send the offer", "due_at": due}, on=lead.name)
            statuses.set_status(owner, [lead.name], "Working")

        self._act(work)
        self._say(lead.name, f"called by {lead.owner}: {_OUTCOME.lower()}; next task in two days")

    def _refuse(self, lead: _Lead) -> None:
        self._act(
            lambda conn: statuses.set_status(
                self._by(conn, lead.owner), [lead.name], "Unqualified", reason=_REFUSED
            )
        )
        self._say(lead.name, f"unqualified: {_REFUSED.lower()}")

    def _convert(self, lead: _Lead, n: int) -> convert.Converted:
        closes = self._clock.now().date() + timedelta(days=30 + n)
        value = 12_000 + 6_000 * n
        wish = convert.Wish(
            currency=self._currency,
            values={
                "value": str(value),
                "close_date": closes.isoformat(),
            },
            company=Choice(unsure=Unsure.REVIEW),
        )
        terms: dict[str, JsonValue] = {
            "custom_fields.deal_type": "New",
            "custom_fields.monthly_payment": value // 12,
            "custom_fields.total_contract_value": value,
        }
        made = self._act(lambda conn: convert.convert(self._by(conn, lead.owner), lead.name, wish))
        self._act(lambda conn: deal.edit(self._by(conn, lead.owner), str(made.deal_id), terms))
        company = f", company contact/{made.company_id}" if made.company_id else ""
        self._say(
            lead.name,
            f"converted: contact/{made.person_id}{company}, deal/{made.deal_id} over "
            f"{value:,} {self._currency}",
        )
        return made

    def _move(self, deals: Sequence[tuple[_Lead, int]]) -> None:
        for (lead, number), way in zip(deals, _WAYS, strict=False):
            for stage in way:
                self._act(partial(self._move_one, lead=lead, number=number, stage=stage))
            self._say(f"deal/{number}", " → ".join(("Incoming", *way)))

    def _move_one(self, conn: Connection, lead: _Lead, number: int, stage: str) -> None:
        reason = _LOSS if stage == "Lost" else None
        move_deal.move(self._by(conn, lead.owner), str(number), stage, reason=reason)

    def _go_on_selling(self, lead: _Lead, made: convert.Converted) -> None:
        """After the sale: payments that recur, a renewal, the customer's own fields."""
        number, customer = str(made.deal_id), f"contact/{made.company_id or made.person_id}"
        monthly = self._act(
            lambda conn: clone_deal.clone(
                self._by(conn, lead.owner), number, clone_deal.Plan(times=_MONTHS)
            )
        )
        self._say(f"deal/{number}", f"cloned for {len(monthly)} months of payments")
        (renewal,) = self._act(
            lambda conn: clone_deal.clone(
                self._by(conn, lead.owner), number, clone_deal.Plan(pipeline=_RENEWAL)
            )
        )
        self._act(lambda conn: move_deal.move(self._by(conn, lead.owner), str(renewal), "Offered"))
        self._say(f"deal/{renewal}", "renewal: Due → Offered")
        due = self._clock.now().date() + timedelta(days=365)
        values = {"custom_fields.tier": "Gold", "custom_fields.renewal_date": due.isoformat()}
        if made.company_id is not None:
            self._act(lambda conn: edit.edit(self._by(conn, lead.owner), customer, values))
            self._say(customer, "customer: tier Gold, renewal in a year")


def sell(database: Database, settings: Settings, clock: Clock) -> Sales:
    """Play the sales process; returns the part `crm` of the demo's document, read back afterwards."""
    seller = Seller(
        database, clock, currency=settings.crm.currency, max_pipelines=settings.crm.max_pipelines
    )
    seller.sell()
    with database.engine.begin() as conn:
        return _read(conn, clock, seller.told)


def _read(conn: Connection, clock: Clock, steps: Sequence[tuple[str, str]]) -> Sales:
    counts = conn.execute(_COUNTS).one()
    asking = Context(conn, member_named(conn, conn.execute(_BUSIEST).scalar_one()), clock)
    lists = {
        one.name: smart_list.count(asking, one.document).n
        for one in (*store.visible(conn, None), *templates())
    }
    figures = Figures(
        lists=lists,
        closed=won_lost(conn, Scope())["total"],
        pipeline=pipeline_now(conn, Scope())["total"],
    )
    return Sales(
        converted=counts.converted,
        deals=counts.deals,
        won=counts.won,
        smart_lists=len(lists),
        report=figures,
        steps=tuple(steps),
    )


def show_sales(crm: Sales) -> None:
    """Print what the team did, and what came of it."""
    if crm.steps:
        print_table("Sales process", ("record", "step"), crm.steps)
    closed, pipeline = crm.report.closed, crm.report.pipeline
    print_mapping(
        "Sales",
        {
            "leads converted": crm.converted,
            "deals, of which won": f"{crm.deals}, {crm.won}",
            "won / lost": f"{_money(closed['won_value'])} / {_money(closed['lost_value'])}",
            "win rate": closed["win_rate"],
            "open, weighted": f"{_money(pipeline['value'])}, {_money(pipeline['weighted'])}",
            "smart lists": ", ".join(f"{name}: {n}" for name, n in crm.report.lists.items() if n),
        },
    )


def _money(sums: Mapping[str, Any]) -> str:
    return " + ".join(money(value, currency) for currency, value in sums.items()) or "nothing"
