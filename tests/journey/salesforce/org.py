"""An org of Salesforce: its streams, and what its history and roles say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from tests.journey.org import Org, moment

STREAMS: Mapping[str, Sequence[str]] = {
    "users": ("queues",),
    "leads": ("leads",),
    "accounts": ("accounts",),
    "contacts": ("contacts",),
    "opportunities": ("opportunities",),
    "tasks": ("tasks",),
    "events": ("events",),
    "notes": ("notes", "content_notes"),
    "files": ("content_versions", "attachments"),
    "campaign_members": ("campaign_members",),
}
"""Streams of a migration, and the vendor's tables that each is read from."""
STAGES = {
    "Prospecting": "Incoming",
    "Qualification": "Qualified",
    "Needs Analysis": "Qualified",
    "Value Proposition": "Qualified",
    "Id. Decision Makers": "Qualified",
    "Perception Analysis": "Qualified",
    "Proposal/Price Quote": "Quote",
    "Negotiation/Review": "Closure",
    "Closed Won": "Won",
    "Closed Lost": "Lost",
}
PEOPLE = ("leads", "contacts")


@dataclass
class SalesforceOrg(Org):
    """See `Org`."""

    source: ClassVar[str] = "salesforce"
    streams: ClassVar[Mapping[str, Sequence[str]]] = STREAMS
    owners: ClassVar[str] = "users"

    def history(self, deal: str) -> list[tuple[str, datetime]]:
        """Return the stages here that a deal went through, each with its time; none twice in a row."""
        lines = self._by_deal("opportunity_history").get(deal, [])
        moves: list[tuple[str, datetime]] = []
        for one in sorted(lines, key=lambda line: moment(line["at"])):
            stage = STAGES[one["values"]["StageName"]]
            if not moves or moves[-1][0] != stage:
                moves.append((stage, moment(one["at"])))
        return moves

    def roles(self, deal: str) -> list[str]:
        """Return the contacts of a deal."""
        lines = self._by_deal("opportunity_contact_roles").get(deal, [])
        return [one["values"]["ContactId"] for one in lines]

    def _by_deal(self, table: str) -> dict[str, list[dict[str, Any]]]:
        kept = self._grouped.get(table)
        if kept is None or kept[0] != len(self.table(table)):
            found: dict[str, list[dict[str, Any]]] = {}
            for one in self.table(table).values():
                found.setdefault(one["values"]["OpportunityId"], []).append(one)
            self._grouped[table] = kept = (len(self.table(table)), found)
        return kept[1]

    _grouped: dict[str, tuple[int, dict[str, list[dict[str, Any]]]]] = field(default_factory=dict)
