"""What stands beside the people, deals and meetings of a seeded org: second accounts, products, attendees, contracts.

Added last, so that the rest of an org stays as it is for a seed.
"""

from datetime import timedelta

from hub.sandbox.orgs.draft import DAYS, Draft
from hub.sandbox.orgs.people import People

_PRODUCTS = ("Licence", "Support, one year", "Training day")
_ANSWERS = ("Accepted", "Declined", "New")


def add_beside(draft: Draft, people: People) -> None:
    """Add the accounts, products and attendees to an org that has everything else."""
    _add_accounts(draft, people)
    _add_line_items(draft)
    _add_attendees(draft, people)
    for n, at in enumerate(draft.times(draft.sizes.other_accounts)):
        account = people.contacts[n % len(people.contacts)]["values"]["AccountId"]
        draft.add(
            "contracts", at, {"AccountId": account, "ContractNumber": f"{n:08}", "Status": "Draft"}
        )


def _add_accounts(draft: Draft, people: People) -> None:
    """Let contacts belong to a second account; Salesforce keeps the relation to the first one too."""
    accounts = sorted({one["values"]["AccountId"] for one in people.contacts})
    for at in draft.times(draft.sizes.other_accounts):
        contact = draft.rng.choice(people.contacts)
        own = contact["values"]["AccountId"]
        other = draft.rng.choice([one for one in accounts if one != own])
        for account, is_direct in ((own, True), (other, False)):
            values = {"AccountId": account, "ContactId": contact["id"], "IsDirect": is_direct}
            roles = None if is_direct else draft.rng.choice(("Evaluator", "Decision Maker"))
            draft.add("account_contact_relations", at, {**values, "Roles": roles})


def _add_line_items(draft: Draft) -> None:
    at = draft.now - timedelta(days=DAYS)
    products = [draft.add("products", at, {"Name": n, "IsActive": True}) for n in _PRODUCTS]
    deals = [one for one in draft.records if one["stream"] == "opportunities"]
    for at_ in draft.times(draft.sizes.line_items):
        product, deal = draft.rng.choice(products), draft.rng.choice(deals)
        quantity, price = draft.rng.randrange(1, 20), draft.rng.randrange(10, 500) * 10.0
        draft.add("opportunity_line_items", at_, {
            "OpportunityId": deal["id"], "Product2Id": product["id"],
            "Name": f"{deal['values']['Name']} {product['values']['Name']}",
            "Quantity": float(quantity), "UnitPrice": price, "TotalPrice": quantity * price,
        })  # fmt: skip


def _add_attendees(draft: Draft, people: People) -> None:
    events = [one for one in draft.records if one["stream"] == "events"]
    for at in draft.times(draft.sizes.attendees):
        who = draft.rng.choice(people.contacts)["id"]
        values = {"EventId": draft.rng.choice(events)["id"], "RelationId": who, "IsInvitee": True}
        draft.add("event_relations", at, {**values, "Status": draft.rng.choice(_ANSWERS)})
