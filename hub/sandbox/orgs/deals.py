"""Deals of a seeded org: record types, two currencies, contact roles, and the history of their stages."""

from datetime import datetime, timedelta

from hub.sandbox.corruption import text
from hub.sandbox.orgs.draft import DAYS, Draft, Record
from hub.sandbox.orgs.people import People, day_of
from hub.sandbox.salesforce.setup import USUAL_STAGES

_OPEN = [name for name, _, _ in USUAL_STAGES if not name.startswith("Closed")]
_PROBABILITY = {name: probability for name, probability, _ in USUAL_STAGES}
_ROLES = ("Decision Maker", "Evaluator", "Influencer", "Economic Buyer", None)
_TYPES = ("New Customer", "Existing Customer - Upgrade", None)
_LOSSES = ("Price", "Competitor", "No budget")
_WON, _LOST, _WITHOUT_ROLE, _NEXT_STEP, _CONVERTED_DEAL = 0.35, 0.3, 0.1, 0.15, 0.6
RECORD_TYPES = ("New Business", "Renewal")


class Deals:
    """The deals of an org; `all` has them in the order of their creation."""

    def __init__(self, draft: Draft, people: People) -> None:
        self.draft, self.people, self.rng = draft, people, draft.rng
        self.types = [self._add_type(name) for name in RECORD_TYPES]
        self.all: list[Record] = []
        self._contacts: dict[str, list[Record]] = {}
        for one in people.contacts:
            self._contacts.setdefault(one["values"]["AccountId"], []).append(one)
        for at in draft.times(draft.sizes.deals):
            self.all.append(self._add_deal(at))
        self._point_leads()

    def _add_type(self, name: str) -> Record:
        at = self.draft.now - timedelta(days=DAYS)
        values = {
            "Name": name,
            "DeveloperName": name.replace(" ", "_"),
            "SobjectType": "Opportunity",
            "IsActive": True,
        }
        return self.draft.add("record_types", at, values)

    def _add_deal(self, at: datetime) -> Record:
        rng, draft = self.rng, self.draft
        account_id = rng.choice([*self._contacts])
        those = self._contacts[account_id]
        moves = self._moves(at)
        values = {
            "Name": f"{rng.choice(('Supply', 'Licence', 'Project', 'Renewal'))} {rng.randrange(10**6)}",
            "AccountId": account_id,
            "StageName": moves[-1][0],
            "Amount": rng.randrange(5, 5_000) * 100.0 + rng.choice((0, 0.5, 0.99)),
            "CurrencyIsoCode": rng.choice(("EUR", "EUR", "USD")),
            "CloseDate": (moves[-1][1] + timedelta(days=rng.randrange(60))).date().isoformat(),
            "Type": rng.choice(_TYPES),
            "LeadSource": rng.choice(("Web", "Partner Referral", None)),
            "NextStep": "Call back about the offer" if draft.chance(_NEXT_STEP) else None,
            "LastStageChangeDate": text(moves[-1][1]),
            "RecordTypeId": rng.choice(self.types)["id"],
            "OwnerId": draft.owner(),
        }
        if values["StageName"] == "Closed Lost":
            values["LossReason__c"] = rng.choice(_LOSSES)
        rest = {key: those[0].get(key) for key in ("person", "company")}
        deal = draft.add("opportunities", at, values, modified_at=text(moves[-1][1]), **rest)
        self._add_roles(deal, those, at)
        for stage, moved_at in moves:
            history = {
                "OpportunityId": deal["id"],
                "StageName": stage,
                "Amount": values["Amount"],
                "CloseDate": values["CloseDate"],
                "Probability": _PROBABILITY[stage],
                "CurrencyIsoCode": values["CurrencyIsoCode"],
                "CreatedById": values["OwnerId"],
            }
            draft.add("opportunity_history", moved_at, history)
        return deal

    def _moves(self, at: datetime) -> list[tuple[str, datetime]]:
        """Return the stages that a deal went through, with the time of each."""
        rng = self.rng
        stages = [_OPEN[n] for n in sorted(rng.sample(range(len(_OPEN)), rng.randrange(1, 4)))]
        fate = rng.random()
        if fate < _WON + _LOST:
            stages.append("Closed Won" if fate < _WON else "Closed Lost")
        moves, moved_at = [], at
        for stage in stages:
            moves.append((stage, moved_at))
            moved_at = self.draft.after(moved_at, 40)
        return moves

    def _add_roles(self, deal: Record, those: list[Record], at: datetime) -> None:
        if self.draft.chance(_WITHOUT_ROLE):
            return
        chosen = self.rng.sample(those, min(len(those), self.rng.choice((1, 1, 2, 3))))
        for n, contact in enumerate(chosen):
            values = {
                "OpportunityId": deal["id"],
                "ContactId": contact["id"],
                "Role": self.rng.choice(_ROLES),
                "IsPrimary": n == 0,
            }
            self.draft.add("opportunity_contact_roles", at, values)
        deal["values"]["ContactId"] = chosen[0]["id"]

    def _point_leads(self) -> None:
        """Name the deal of converted leads, where the account has one."""
        by_account = {one["values"]["AccountId"]: one for one in self.all}
        for lead in self.people.leads:
            deal = by_account.get(lead["values"].get("ConvertedAccountId"))
            if deal is not None and self.draft.chance(_CONVERTED_DEAL):
                lead["values"]["ConvertedOpportunityId"] = deal["id"]
                lead["values"]["ConvertedDate"] = day_of(lead, 1)
