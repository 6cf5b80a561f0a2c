"""Generate the account of Zendesk Sell that a migration is tried with: one number scales it.

With 10,000 leads it has 12,000 contacts (a quarter of them organizations), 5,000 deals in three pipelines and
three currencies with their moves, 60,000 tasks, notes, calls, visits and text messages, documents, orders with
line items, sequences, and custom fields of every type. `planted` lists the difficulties.

Not here: the format (`hub.sandbox.universe`), how much there is of each object (`hub.sandbox.orgs.sizes`).
"""

from datetime import datetime, timedelta
from typing import Any

from hub.sandbox.corruption import text, time_of
from hub.sandbox.generator import FIXED_NOW
from hub.sandbox.orgs.sizes import Sizes
from hub.sandbox.sell_org.activities import SellActivities
from hub.sandbox.sell_org.draft import Record, SellDraft
from hub.sandbox.sell_org.people import SellPeople
from hub.sandbox.sell_org.setup import Setup

_FEWEST = 20
_CURRENCIES = ("EUR", "EUR", "USD", "GBP")
_PRODUCTS = ("Licence", "Support, one year", "Training day")


def generate_sell_org(seed: int, leads: int, *, now: datetime = FIXED_NOW) -> dict[str, Any]:
    """Return the universe of an account with that many leads; at least twenty are made.

    The same seed and number give the same account, except for the times, which count back from `now`.
    """
    draft = SellDraft(seed, Sizes(max(leads, _FEWEST)), now.replace(microsecond=0))
    setup = Setup(draft)
    people = SellPeople(draft, setup)
    deals = _add_deals(draft, setup, people)
    _convert(draft, people, deals)
    _add_orders(draft, deals)
    SellActivities(draft, setup, people, deals)
    return {
        "version": 1,
        "seed": seed,
        "users": draft.users,
        "companies": [
            {"id": one.id, "name": one.name, "domain": one.domain} for one in people.companies
        ],
        "people": [{"id": one.id} for one in people.persons],
        "records": draft.records,
        "events": [],
        "planted": draft.planted,
    }


def _add_deals(draft: SellDraft, setup: Setup, people: SellPeople) -> list[Record]:
    deals = []
    for at in draft.times(draft.sizes.deals):
        contact = draft.rng.choice(
            [*draft.rng.sample(people.contacts, 4), *people.organizations[:1]]
        )
        pipeline = draft.rng.choice(setup.pipelines)
        stages = setup.stages[int(pipeline["id"])]
        last = draft.rng.randrange(len(stages))
        stage = stages[last]["values"]
        values: Record = {
            "name": f"{contact['values'].get('last_name') or 'Deal'} {draft.rng.randrange(1_000)}",
            "owner_id": draft.owner(),
            "creator_id": draft.owner(),
            "contact_id": int(contact["id"]),
            "value": f"{draft.rng.randrange(1, 90_000)}.{draft.rng.choice(('00', '50', '05'))}",
            "currency": draft.rng.choice(_CURRENCIES),
            "hot": draft.chance(0.1),
            "stage_id": int(stages[last]["id"]),
            "source_id": setup.one_of("deal_sources") if draft.chance(0.7) else None,
            "loss_reason_id": setup.one_of("loss_reasons") if stage["name"] == "Lost" else None,
            "unqualified_reason_id": setup.one_of("deal_unqualified_reasons")
            if stage["name"] == "Unqualified"
            else None,
            "estimated_close_date": (at + timedelta(days=90)).date().isoformat(),
            "customized_win_likelihood": draft.rng.choice((None, None, 40, 85)),
            "added_at": text(at - timedelta(days=draft.rng.choice((0, 0, 30)))),
            "tags": setup.tags(),
            "custom_fields": dict(setup.own_values("deal")),
        }
        deal = draft.add("deals", at, values, **{k: contact.get(k) for k in ("person", "company")})
        _move(draft, deal, stages, last, at)
        for other in draft.rng.sample(people.contacts, draft.rng.choice((0, 0, 1, 2))):
            if other["id"] != contact["id"]:
                beside = {"deal_id": int(deal["id"]), "contact_id": int(other["id"])}
                draft.add("associated_contacts", at, {**beside, "role": "involved"})
        deals.append(deal)
    return deals


def _move(draft: SellDraft, deal: Record, stages: list[Record], last: int, at: datetime) -> None:
    """Move a deal from the first stage to its own, by way of some between."""
    path = [n for n in range(min(last, 4)) if n == 0 or draft.chance(0.6)]
    path = [*path, last] if not path or path[-1] != last else path
    before: int | None = None
    for n in path:
        by = draft.owner()
        move = {
            "deal_id": int(deal["id"]),
            "previous_stage_id": before,
            "stage_id": int(stages[n]["id"]),
            "by_id": by,
        }
        draft.add("stage_changes", at, move)
        deal["values"] |= {"last_stage_change_at": text(at), "last_stage_change_by_id": by}
        deal["modified_at"] = text(at)
        before, at = int(stages[n]["id"]), draft.after(at, 40)
    deal["values"]["last_activity_at"] = deal["modified_at"]


def _convert(draft: SellDraft, people: SellPeople, deals: list[Record]) -> None:
    """Name what came from some leads: a person and, of half of them, a deal."""
    able = [one for one in people.leads if not one["deleted"]]
    for lead in draft.rng.sample(able, min(draft.sizes.converted, len(able))):
        contact = draft.rng.choice(people.contacts)
        deal = next(
            (one for one in deals if str(one["values"]["contact_id"]) == contact["id"]), None
        )
        lead["values"] |= {
            name: contact["values"].get(name) for name in ("first_name", "last_name", "email")
        }
        lead["person"] = contact["person"]
        at = draft.after(time_of(lead["at"]), 60)
        draft.add("lead_conversions", at, {
            "lead_id": int(lead["id"]),
            "individual_id": int(contact["id"]),
            "organization_id": contact["values"].get("contact_id"),
            "deal_id": int(deal["id"]) if deal else None,
            "creator_id": draft.owner(),
        })  # fmt: skip


def _add_orders(draft: SellDraft, deals: list[Record]) -> None:
    at = draft.now - timedelta(days=1_400)
    products = [
        draft.add("products", at, {
            "name": name, "description": f"{name}, as listed", "sku": f"SKU-{n}", "active": n != len(_PRODUCTS) - 1,
            "cost": "50.00", "cost_currency": "EUR", "max_discount": 20, "max_markup": 10,
            "prices": [{"amount": f"{(n + 1) * 100}.00", "currency": "EUR"},
                       {"amount": f"{(n + 1) * 110}.00", "currency": "USD"}],
        })
        for n, name in enumerate(_PRODUCTS)
    ]  # fmt: skip
    orders = []
    for deal in draft.rng.sample(deals, max(2, len(deals) // 10)):
        values = {"deal_id": int(deal["id"]), "discount": draft.rng.choice((0, 0, 10))}
        orders.append(draft.add("orders", time_of(deal["at"]), values))
    for n in range(draft.sizes.line_items):
        product, order = draft.rng.choice(products), orders[n % len(orders)]
        own = product["values"]
        draft.add("line_items", time_of(order["at"]), {
            "order_id": int(order["id"]), "product_id": int(product["id"]), "name": own["name"],
            "sku": own["sku"], "description": own["description"], "variation": "0",
            "currency": "EUR", "price": own["prices"][0]["amount"],
            "value": own["prices"][0]["amount"], "quantity": draft.rng.randrange(1, 20),
        })  # fmt: skip
