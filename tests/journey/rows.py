"""The rows of the CRM that came with a source, and the checks that suit every source.

In: an open transaction of the hub's database, the org. Out: sentences, none where everything holds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, text

from tests.journey.org import Org

ACTIVITIES = ("task", "call", "visit", "message", "note")
MOST_MIXED = 0.001
DIFFERS = "%s %s: %s is %r at the vendor, %r in the CRM"


class Crm:
    """The rows of the CRM that came with a source, by the vendor's ids.

    Args:
        conn: an open transaction.
        source: vendor name.
    """

    def __init__(self, conn: Connection, source: str) -> None:
        self.conn, self.source = conn, source

    def all(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return rows as dicts."""
        return [dict(row) for row in self.conn.execute(text(sql), values).mappings()]

    @cached_property
    def entities(self) -> dict[tuple[str, str], int]:
        """The person or company of each object, by stream and id."""
        rows = self.all(
            "SELECT stream, source_id, entity_id FROM ops.source_record WHERE source = :s "
            "AND target IN ('person', 'organisation') AND withdrawn_by IS NULL "
            "AND entity_id IS NOT NULL",
            s=self.source,
        )
        return {(row["stream"], row["source_id"]): row["entity_id"] for row in rows}

    @cached_property
    def together(self) -> dict[int, list[tuple[str, str]]]:
        """The objects of each person or company."""
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for key, entity in self.entities.items():
            found[entity].append(key)
        return found

    @cached_property
    def elsewhere(self) -> set[int]:
        """The people of whom another source has an object too."""
        sql = "SELECT DISTINCT entity_id FROM ops.source_record WHERE source <> :s AND target = 'person'"
        return {row["entity_id"] for row in self.all(sql, s=self.source)}

    @cached_property
    def users(self) -> dict[int, dict[str, Any]]:
        """The users, by number."""
        return {row["id"]: row for row in self.all('SELECT * FROM crm."user"')}

    def email(self, user_id: int | None) -> str | None:
        """Return the e-mail address of a user."""
        return None if user_id is None else self.users[user_id]["email"]

    @cached_property
    def leads(self) -> dict[int, dict[str, Any]]:
        """The leads, by person."""
        return {row["entity_id"]: row for row in self.all("SELECT * FROM crm.lead")}

    @cached_property
    def contacts(self) -> dict[int, dict[str, Any]]:
        """The contacts and companies, by person or company."""
        return {row["entity_id"]: row for row in self.all("SELECT * FROM crm.contact")}

    def row(self, stream: str, id_: str) -> dict[str, Any] | None:
        """Return the row of an object of a person or a company: that of the lead in a stream of leads."""
        entity = self.entities.get((stream, id_))
        rows = self.leads if stream == "leads" else self.contacts
        return None if entity is None else rows.get(entity)

    def contact_id(self, stream: str, id_: str | None) -> int | None:
        """Return the number of the row of a contact or account."""
        row = self.row(stream, id_) if id_ else None
        return row["id"] if row else None

    @cached_property
    def deals(self) -> dict[str, dict[str, Any]]:
        """The deals, by the vendor's id."""
        return self._of_records("deal")

    def _of_records(self, kind: str) -> dict[str, dict[str, Any]]:
        rows = self.all(
            f'SELECT r.source_id, r.stream, t.* FROM crm."{kind}" t '
            "JOIN ops.source_record r ON r.id = t.record_id WHERE r.source = :s",
            s=self.source,
        )
        return {row["source_id"]: {**row, "kind": kind} for row in rows}

    @cached_property
    def activities(self) -> dict[str, dict[str, Any]]:
        """The activities, by the vendor's id."""
        return {id_: row for kind in ACTIVITIES for id_, row in self._of_records(kind).items()}


Check = Callable[[Crm, Any], Iterator[str]]
"""Of an org of one vendor: a sentence for each thing that is wrong."""


def every_object_once(crm: Crm, org: Org, batch: int) -> Iterator[str]:
    """Every object of the source has one verdict in the batch, and nothing else has any."""
    rows = crm.all(
        "SELECT stream, source_id, verdict FROM ops.verdict WHERE batch_id = :b", b=batch
    )
    for stream in org.streams:
        found = Counter(row["source_id"] for row in rows if row["stream"] == stream)
        if twice := [id_ for id_, n in found.items() if n > 1]:
            yield f"{stream}: two verdicts for {twice[:3]}"
        if missing := org.known(stream) - found.keys():
            yield f"{stream}: {len(missing)} objects have no verdict, e.g. {sorted(missing)[:3]}"
        if more := found.keys() - org.ids(stream):
            yield f"{stream}: {len(more)} verdicts for no object, e.g. {sorted(more)[:3]}"
    for row in rows:
        if row["verdict"] is None:
            yield f"{row['stream']} {row['source_id']}: the verdict is open"


def people_are_people(crm: Crm, org: Org) -> Iterator[str]:
    """At most one row in a thousand is of two people, who have one name or one address."""
    mixed = [
        keys
        for keys in crm.together.values()
        if len({org.table(t)[i].get("person") for t, i in keys if i in org.table(t)} - {None}) > 1
    ]
    if len(mixed) > MOST_MIXED * len(crm.together):
        yield f"{len(mixed)} of {len(crm.together)} rows are of two people, e.g. {mixed[:3]}"


def wrong(conn: Connection, org: Org, checks: Sequence[Check]) -> list[str]:
    """Return what the checks find, each sentence after the name of its check."""
    crm = Crm(conn, org.source)
    return [f"{check.__name__}: {said}" for check in checks for said in check(crm, org)]
