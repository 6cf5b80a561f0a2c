"""The org as its vendor has it: read from the control server, independently of the hub."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.processes import SandboxProcess

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
Record = Mapping[str, Any]


def moment(text: str) -> datetime:
    """Return a time of the vendor, aware."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass
class Org:
    """The vendor's records, by table and id, and what was changed since."""

    tables: dict[str, dict[str, dict[str, Any]]]
    users: Sequence[Record]
    planted: Sequence[Record]
    changed: set[tuple[str, str]] = field(default_factory=set)
    created: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, sandbox: SandboxProcess) -> "Org":
        """Read the org at its beginning."""
        universe = sandbox.ask("GET", "/universe")
        tables: dict[str, dict[str, dict[str, Any]]] = {}
        for one in universe["records"]:
            tables.setdefault(one["stream"], {})[one["id"]] = one
        return cls(tables, universe["users"], universe["planted"])

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the records of one table, by id."""
        return self.tables.setdefault(name, {})

    def ids(self, stream: str) -> set[str]:
        """Return the ids of all objects of a stream, deleted ones included."""
        found = {id_ for name in STREAMS[stream] for id_ in self.table(name)}
        return found | ({one["id"] for one in self.users} if stream == "users" else set())

    @property
    def size(self) -> int:
        """Return the number of all objects."""
        return sum(len(self.ids(stream)) for stream in STREAMS)

    def living(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield id and values of the records that are not deleted."""
        for id_, one in self.table(table).items():
            if not one.get("deleted"):
                yield id_, one["values"]

    def at(self, table: str, id_: str) -> datetime:
        """Return when a record was created."""
        return moment(self.table(table)[id_]["at"])

    def active(self) -> dict[str, str]:
        """Return the users who work there: id → e-mail address."""
        return {one["id"]: one["email"] for one in self.users if one["active"]}

    def known(self, stream: str) -> set[str]:
        """Return the ids of a stream whose records have not changed since the beginning."""
        touched = {id_ for table, id_ in self.changed | self.created if table in STREAMS[stream]}
        return self.ids(stream) - touched

    def planted_ids(self, kind: str) -> set[str]:
        """Return the ids of records with a planted difficulty."""
        return {one["id"] for one in self.planted if one["kind"] == kind}

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

    @staticmethod
    def times(sandbox: SandboxProcess) -> dict[tuple[str, str], str]:
        """Return when each record was changed last, by table and id; of records that were changed."""
        return {
            (one["stream"], one["id"]): one["at"] for one in sandbox.ask("GET", "/events")["events"]
        }

    def apply(self, sandbox: SandboxProcess, event: Mapping[str, Any]) -> str:
        """Change something at the vendor and here; returns the id."""
        done = sandbox.ask("POST", "/events", {"source": "salesforce", **event})
        id_, table = str(done["id"]), str(event["stream"])
        at = self.times(sandbox)[table, id_]
        own = self.table(table)
        if event["op"] == "create":
            own[id_] = {"stream": table, "id": id_, "at": at, "values": dict(event["values"])}
            self.created.add((table, id_))
        elif event["op"] == "update":
            own[id_] = own[id_] | {"values": {**own[id_]["values"], **event["values"]}}
            self.changed.add((table, id_))
        else:
            own[id_] = own[id_] | {"deleted": True}
            self.changed.add((table, id_))
        return id_
