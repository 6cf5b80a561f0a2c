"""The object types: the rows of each type, and the JSON form of a record.

Every property value is a string or null. The system's properties come from the row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.sandbox.hubspot.errors import invalid, not_found
from hub.sandbox.world import Row, World, whole_second

SOURCE = "hubspot"
PORTAL = 62515
MERGED = "hs_merged_object_ids"
Json = dict[str, Any]
IdKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One type of object.

    Args:
        name: the name in paths; also the name of the stream.
        type_id: the number that may replace the name.
        singular: the name in association types and scopes.
        usual: the properties in an answer if the request names none.
        searched: the properties that a search's `query` covers.
        key: the property whose value is unique.
    """

    name: str
    type_id: str
    singular: str
    usual: tuple[str, ...]
    searched: tuple[str, ...]
    key: str

    @property
    def names(self) -> frozenset[str]:
        """All names of the type that a path may use."""
        return frozenset({self.name, self.type_id, self.singular})


CONTACTS = ObjectType(
    "contacts",
    "0-1",
    "contact",
    ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    ("firstname", "lastname", "email", "phone", "company"),
    "email",
)
COMPANIES = ObjectType(
    "companies",
    "0-2",
    "company",
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    ("name", "domain", "phone", "website"),
    "",
)
TYPES = (CONTACTS, COMPANIES)


class Crm:
    """The account's records.

    Args:
        world: the universe's rows.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.purged: set[tuple[str, str]] = set()

    def live(self, kind: ObjectType) -> list[Row]:
        """Return the live records, ordered by id."""
        return sorted(self.world.rows(SOURCE, kind.name), key=lambda row: id_key(row.id))

    def archived(self, kind: ObjectType) -> list[Row]:
        """Return the archived records, ordered by id, without merged and purged ones."""
        rows = self.world.rows(SOURCE, kind.name, include_deleted=True)
        gone = [
            row
            for row in rows
            if row.deleted and row.merged_into is None and (kind.name, row.id) not in self.purged
        ]
        return sorted(gone, key=lambda row: id_key(row.id))

    def find(
        self, kind: ObjectType, name: str, *, by: str = "", is_archived: bool = False
    ) -> Row | None:
        """Return one record by id or by another property, or None."""
        if by and by != "hs_object_id":
            rows = self.archived(kind) if is_archived else self.live(kind)
            wanted = name.lower()
            same = (row for row in rows if str(row.values.get(by) or "").lower() == wanted)
            return next(same, None)
        row = self.world.get(SOURCE, kind.name, name)
        if row is None or row.deleted != is_archived or row.merged_into is not None:
            return None
        return None if (kind.name, row.id) in self.purged else row

    def get(self, kind: ObjectType, name: str, *, by: str = "", is_archived: bool = False) -> Row:
        """Return one record, or raise 404."""
        row = self.find(kind, name, by=by, is_archived=is_archived)
        if row is None:
            raise not_found()
        return row

    def merged(self, kind: ObjectType) -> Mapping[str, Sequence[str]]:
        """Return, by record, the ids that were merged into it, also through several merges."""
        into = {
            row.id: row.merged_into
            for row in self.world.rows(SOURCE, kind.name, include_deleted=True)
            if row.merged_into is not None
        }
        found: dict[str, list[str]] = {}
        for loser in sorted(into, key=id_key):
            winner, seen = into[loser], {loser}
            while winner in into and winner not in seen:
                seen.add(winner)
                winner = into[winner]
            found.setdefault(winner, []).append(loser)
        return found


def type_of(name: str) -> ObjectType:
    """Return the type that a path names; raise 400 if there is none."""
    for kind in TYPES:
        if name.lower() in kind.names:
            return kind
    raise invalid(f"Unable to infer object type from: {name}")


def id_key(name: str) -> IdKey:
    """Return the sort key of an id: numbers by value, then other texts."""
    return (0, int(name), "") if name.isdigit() else (1, 0, name)


def moment(at: datetime) -> str:
    """Return a time as records write it."""
    return whole_second(at).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def text_of(value: object) -> str | None:
    """Return a property's value as the vendor writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(one) for one in value)
    return str(value)


def properties_of(row: Row, kind: ObjectType, losers: Iterable[str] = ()) -> dict[str, str | None]:
    """Return all properties of a record."""
    changed = moment(row.modified_at)
    system: dict[str, str | None] = {"hs_lastmodifieddate": changed}
    if kind is CONTACTS:
        system["lastmodifieddate"] = changed
    own = {name: text_of(value) for name, value in row.values.items()}
    # system properties last: a row cannot overwrite them
    fixed = {
        "createdate": moment(row.created_at),
        "hs_object_id": row.id,
        MERGED: ";".join(losers) or None,
    }
    return {**own, **system, **fixed}


def shown(
    row: Row, kind: ObjectType, asked: Sequence[str] = (), losers: Iterable[str] = ()
) -> Json:
    """Return a record as JSON, with the named properties, or with the usual ones."""
    everything = properties_of(row, kind, losers)
    names = sorted({*asked, "createdate", "hs_object_id", _modified(kind)}) if asked else kind.usual
    record: Json = {
        "id": row.id,
        "properties": {name: everything.get(name) for name in names},
        "createdAt": moment(row.created_at),
        "updatedAt": moment(row.modified_at),
        "archived": row.deleted,
    }
    if row.deleted:
        record["archivedAt"] = moment(row.modified_at)
    record["url"] = f"https://app.hubspot.com/contacts/{PORTAL}/record/{kind.type_id}/{row.id}"
    return record


def _modified(kind: ObjectType) -> str:
    return "lastmodifieddate" if kind is CONTACTS else "hs_lastmodifieddate"
