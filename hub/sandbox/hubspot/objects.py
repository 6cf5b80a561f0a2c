"""The object types: the rows of each type, and the JSON form of a record.

Every property value is a string or null. The system's properties come from the row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.sandbox.hubspot.errors import invalid, not_found
from hub.sandbox.hubspot.pipelines import stage_named
from hub.sandbox.hubspot.texts import SOURCE, Json, moment, text_of
from hub.sandbox.world import Row, World

PORTAL = 62515
MERGED = "hs_merged_object_ids"
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
        created: the property with the time of the creation.
        changed: the property with the time of the last change.
    """

    name: str
    type_id: str
    singular: str
    usual: tuple[str, ...]
    searched: tuple[str, ...]
    key: str
    created: str = "createdate"
    changed: str = "hs_lastmodifieddate"

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
    changed="lastmodifieddate",
)
COMPANIES = ObjectType(
    "companies",
    "0-2",
    "company",
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    ("name", "domain", "phone", "website"),
    "",
)
DEALS = ObjectType(
    "deals",
    "0-3",
    "deal",
    (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    "",
)


def _engagement(name: str, type_id: str, *searched: str) -> ObjectType:
    """Return a type of engagements: their creation has a property of its own."""
    usual = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
    return ObjectType(name, type_id, name[:-1], usual, searched, "", created="hs_createdate")


# https://developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids
CALLS = _engagement("calls", "0-48", "hs_call_title", "hs_body_preview")
EMAILS = _engagement("emails", "0-49", "hs_email_subject")
MEETINGS = _engagement("meetings", "0-47", "hs_meeting_title", "hs_meeting_body")
NOTES = _engagement("notes", "0-46", "hs_note_body")
TASKS = _engagement("tasks", "0-27", "hs_task_body", "hs_task_subject")
TYPES = (CONTACTS, COMPANIES, DEALS, CALLS, EMAILS, MEETINGS, NOTES, TASKS)
ASSOCIATIONS = "associations"
"""Key of a row's values that is no property: the records that it is associated with."""
HISTORY = "_history"
"""End of the keys of a row's values that are no properties: the earlier values of one."""


@dataclass(slots=True)
class Table:
    """The records of one type at one revision, ordered by id."""

    revision: int
    live: list[Row]
    archived: list[Row]
    merged: Mapping[str, Sequence[str]]
    keys: list[IdKey]
    values: dict[str, tuple[Row, dict[str, str | None]]] = field(default_factory=dict)
    own_names: list[str] = field(default_factory=list)


class Crm:
    """The account's records.

    Args:
        world: the universe's rows.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.purged: set[tuple[str, str]] = set()
        self._tables: dict[str, Table] = {}
        self._pointers: dict[tuple[str, str], tuple[int, dict[str, list[str]]]] = {}
        self._changes: dict[str, tuple[int, dict[str, list[Json]]]] = {}

    def table(self, kind: ObjectType) -> Table:
        """Return the records of a type as they are now."""
        revision = self.world.revision(SOURCE, kind.name)
        kept = self._tables.get(kind.name)
        if kept is None or kept.revision != revision:
            self._tables[kind.name] = kept = self._table(kind, revision)
        return kept

    def _table(self, kind: ObjectType, revision: int) -> Table:
        rows = self.world.rows(SOURCE, kind.name, include_deleted=True)
        rows.sort(key=lambda row: id_key(row.id))
        live = [row for row in rows if not row.deleted]
        gone = [
            row
            for row in rows
            if row.deleted and row.merged_into is None and (kind.name, row.id) not in self.purged
        ]
        names = dict.fromkeys(name for row in live for name in row.values)
        own = [name for name in names if name != ASSOCIATIONS and not name.endswith(HISTORY)]
        keys = [id_key(row.id) for row in live]
        return Table(revision, live, gone, _merged(rows), keys, own_names=own)

    def live(self, kind: ObjectType) -> list[Row]:
        """Return the live records, ordered by id."""
        return self.table(kind).live

    def archived(self, kind: ObjectType) -> list[Row]:
        """Return the archived records, ordered by id, without merged and purged ones."""
        return self.table(kind).archived

    def values(self, kind: ObjectType, row: Row) -> dict[str, str | None]:
        """Return all properties of a record."""
        table = self.table(kind)
        kept = table.values.get(row.id)
        if kept is None or kept[0] is not row:  # another version of the row may not be visible yet
            found = properties_of(row, kind, table.merged.get(row.id, ()))
            if kind is DEALS:
                found = {**found, **self.stage_of(found)}
            table.values[row.id] = kept = (row, found)
        return kept[1]

    def pointing(self, origin: ObjectType, target: ObjectType) -> Mapping[str, Sequence[str]]:
        """Return for each record of `target` the records of `origin` that name it as associated."""
        table, key = self.table(origin), (origin.name, target.name)
        kept = self._pointers.get(key)
        if kept is None or kept[0] != table.revision:
            found: dict[str, list[str]] = {}
            for row in table.live:
                for id_ in dict.fromkeys(_named(row, origin, target)):
                    found.setdefault(id_, []).append(row.id)
            self._pointers[key] = kept = (table.revision, found)
        return kept[1]

    def changes(self, kind: ObjectType) -> Mapping[str, Sequence[Json]]:
        """Return the events that changed records of a type, by id, the oldest first."""
        kept = self._changes.get(kind.name)
        n = len(self.world.events)
        if kept is None or kept[0] != n:
            found: dict[str, list[Json]] = {}
            for one in self.world.events[:n]:
                if one["op"] == "update" and (one["source"], one["stream"]) == (SOURCE, kind.name):
                    found.setdefault(one["id"], []).append(one)
            self._changes[kind.name] = kept = (n, found)
        return kept[1]

    def stage_of(self, values: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the properties of a deal that follow from its stage."""
        stage = stage_named(self.world, values.get("dealstage") or "")
        if stage is None:
            return {}
        is_closed, probability = stage["isClosed"], float(stage["probability"])
        return {
            "hs_is_closed": text_of(is_closed),
            "hs_is_closed_won": text_of(is_closed and probability == 1),
            "hs_deal_stage_probability": stage["probability"],
        }

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
        return self.table(kind).merged


def _merged(rows: Sequence[Row]) -> Mapping[str, Sequence[str]]:
    into = {row.id: row.merged_into for row in rows if row.merged_into is not None}
    found: dict[str, list[str]] = {}
    for loser in sorted(into, key=id_key):
        winner, seen = into[loser], {loser}
        while winner in into and winner not in seen:
            seen.add(winner)
            winner = into[winner]
        found.setdefault(winner, []).append(loser)
    return found


def _named(row: Row, origin: ObjectType, target: ObjectType) -> list[str]:
    primary = str(row.values.get("associatedcompanyid") or "")
    given = row.values.get(ASSOCIATIONS) or ()
    own = [str(one["id"]) for one in given if one["to"] == target.name]
    return [primary, *own] if origin is CONTACTS and target is COMPANIES and primary else own


def type_of(name: str) -> ObjectType:
    """Return the type that a path names; raise 400 if there is none."""
    for kind in TYPES:
        if name.lower() in kind.names:
            return kind
    raise invalid(f"Unable to infer object type from: {name}")


def id_key(name: str) -> IdKey:
    """Return the sort key of an id: numbers by value, then other texts."""
    return (0, int(name), "") if name.isdigit() else (1, 0, name)


def properties_of(row: Row, kind: ObjectType, losers: Iterable[str] = ()) -> dict[str, str | None]:
    """Return all properties of a record that its row tells."""
    changed = moment(row.modified_at)
    system: dict[str, str | None] = {"hs_lastmodifieddate": changed, kind.changed: changed}
    own = {
        name: text_of(value)
        for name, value in row.values.items()
        if name != ASSOCIATIONS and not name.endswith(HISTORY)
    }
    # system properties last: a row cannot overwrite them
    fixed = {
        kind.created: moment(row.created_at),
        "hs_object_id": row.id,
        MERGED: ";".join(losers) or None,
    }
    return {**own, **system, **fixed}


def shown(
    row: Row, kind: ObjectType, everything: Mapping[str, str | None], asked: Sequence[str] = ()
) -> Json:
    """Return a record as JSON, with the named properties, or with the usual ones."""
    names = sorted({*asked, kind.created, "hs_object_id", kind.changed}) if asked else kind.usual
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
