"""An account of HubSpot: its streams, and what its associations and histories say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from tests.journey.org import Org, moment
from tests.processes import SandboxProcess

ENGAGEMENTS = ("calls", "meetings", "tasks", "notes", "emails")
STREAMS: Mapping[str, Sequence[str]] = {
    "owners": (),
    **{name: (name,) for name in ("companies", "contacts", "deals", *ENGAGEMENTS)},
}
"""Streams of a migration, and the vendor's tables that each is read from."""
STAGES = {
    "appointmentscheduled": "Incoming",
    "qualifiedtobuy": "Qualified",
    "presentationscheduled": "Qualified",
    "decisionmakerboughtin": "Qualified",
    "contractsent": "Quote",
    "closedwon": "Won",
    "closedlost": "Lost",
    "100000001": "Incoming",
    "100000002": "Qualified",
    "100000003": "Quote",
    "100000004": "Won",
    "100000005": "Lost",
}


@dataclass
class HubspotOrg(Org):
    """See `Org`."""

    source: ClassVar[str] = "hubspot"
    streams: ClassVar[Mapping[str, Sequence[str]]] = STREAMS
    owners: ClassVar[str] = "owners"

    def history(self, deal: str) -> list[tuple[str, datetime]]:
        """Return the stages here that a deal went through, each with its time; none twice in a row."""
        moves: list[tuple[str, datetime]] = []
        for line in self.table("deals")[deal]["values"]["dealstage_history"]:
            at, _, to = line.partition(" ")
            if not moves or moves[-1][0] != STAGES[to]:
                moves.append((STAGES[to], moment(at)))
        return moves

    def named(self, values: Mapping[str, Any], kind: str) -> list[str]:
        """Return the records of a type that a record is associated with, the lowest id first."""
        links = values.get("associations") or ()
        return sorted({str(one["id"]) for one in links if one["to"] == kind}, key=int)

    def move(self, sandbox: SandboxProcess, deal: str, to: str, amount: str) -> None:
        """Put a deal into another stage."""
        values = {"dealstage": to, "amount": amount}
        self.apply(sandbox, {"op": "update", "stream": "deals", "id": deal, "values": values})
        at = self.times(sandbox)["deals", deal]
        own = self.table("deals")[deal]["values"]
        own["dealstage_history"] = [*own["dealstage_history"], f"{at} {to}"]
