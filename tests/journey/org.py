"""An org as its vendor has it: read from the control server, independently of the hub.

In: the universe of a sandbox. Out: its records, by table and id, and what was changed at the vendor since.
Not here: what a vendor's fields mean (the folder of the vendor).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from tests.processes import SandboxProcess

Record = Mapping[str, Any]


def moment(text: str) -> datetime:
    """Return a time of the vendor, aware."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass
class Org:
    """The vendor's records, by table and id, and what was changed since.

    A subclass names the `source`, its `streams` with the vendor's tables that each is read from, and the
    stream of its owners, who are the users of the universe.
    """

    source: ClassVar[str]
    streams: ClassVar[Mapping[str, Sequence[str]]]
    owners: ClassVar[str]

    tables: dict[str, dict[str, dict[str, Any]]]
    users: Sequence[Record]
    planted: Sequence[Record]
    changed: set[tuple[str, str]] = field(default_factory=set)
    created: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, sandbox: SandboxProcess) -> Self:
        """Read the org at its beginning."""
        universe = sandbox.ask("GET", "/universe")
        tables: dict[str, dict[str, dict[str, Any]]] = {}
        for one in universe["records"]:
            if one["source"] == cls.source:
                tables.setdefault(one["stream"], {})[one["id"]] = one
        return cls(tables, universe["users"], universe["planted"])

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the records of one table, by id."""
        return self.tables.setdefault(name, {})

    def ids(self, stream: str) -> set[str]:
        """Return the ids of all objects of a stream, deleted ones included."""
        found = {id_ for name in self.streams[stream] for id_ in self.table(name)}
        return found | ({one["id"] for one in self.users} if stream == self.owners else set())

    @property
    def size(self) -> int:
        """Return the number of all objects."""
        return sum(len(self.ids(stream)) for stream in self.streams)

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
        own = self.streams[stream]
        return self.ids(stream) - {i for t, i in self.changed | self.created if t in own}

    def new(self, stream: str) -> set[str]:
        """Return the objects of a stream that the vendor has made since the beginning."""
        return {id_ for table, id_ in self.created if table in self.streams[stream]}

    def planted_ids(self, kind: str) -> set[str]:
        """Return the ids of records with a planted difficulty."""
        return {one["id"] for one in self.planted if one["kind"] == kind}

    @staticmethod
    def times(sandbox: SandboxProcess) -> dict[tuple[str, str], str]:
        """Return when each record was changed last, by table and id; of records that were changed."""
        return {
            (one["stream"], one["id"]): one["at"] for one in sandbox.ask("GET", "/events")["events"]
        }

    def apply(self, sandbox: SandboxProcess, event: Mapping[str, Any]) -> str:
        """Change something at the vendor and here; returns the id."""
        done = sandbox.ask("POST", "/events", {"source": self.source, **event})
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
