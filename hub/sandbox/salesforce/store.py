"""Rows of the world as records of the org: the value of each field of a row.

System fields come from the row itself. Derived fields (Name, Address, PhotoUrl) come from other
fields. Defaults come from the schema. Not here: queries (`plan.py`), JSON (`records.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.schema import SYSTEM_FIELDS, FieldSpec, SObject, load_objects
from hub.sandbox.salesforce.values import Value, long_id, typed
from hub.sandbox.world import Row, World, whole_second

SOURCE = "salesforce"
NOBODY = long_id("005000000000001")
ALIAS_LENGTH = 8
_ADDRESS = {
    "city": "City",
    "country": "Country",
    "geocodeAccuracy": "GeocodeAccuracy",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "postalCode": "PostalCode",
    "state": "State",
    "street": "Street",
}
_STATUSES = "lead_statuses"
_USUAL_STATUSES = (
    "Open - Not Contacted",
    "Working - Contacted",
    "Closed - Converted",
    "Closed - Not Converted",
)
"""What a new org has; a universe with records of the stream has those instead."""
Getter = Callable[[Row], Value]


class Store:
    """The org's records.

    Args:
        world: the world with the rows of all vendors.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        if not world.rows(SOURCE, _STATUSES):
            _put_usual_statuses(world)

    def names(self) -> Sequence[str]:
        """Return the names of all objects."""
        return [sobject.name for sobject in load_objects().values()]

    def sobject(self, name: str) -> SObject | None:
        """Return the object with that name in any letter case, with its rows' custom fields."""
        sobject = load_objects().get(name.lower())
        if sobject is None:
            return None
        values = [row.values for row in self.rows(sobject, include_deleted=True)]
        brought: set[str] = set().union(*values)
        formulas = self.world.silent(SOURCE, sobject.stream)
        known = brought | formulas
        custom = {name for name in known if sobject.field(name) is None} - SYSTEM_FIELDS
        return sobject.with_custom(values, custom, formulas) if custom else sobject

    def require(self, name: str) -> SObject:
        """Return the object with that name; raise the 404 of an unknown path."""
        sobject = self.sobject(name)
        if sobject is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return sobject

    def rows(self, sobject: SObject, *, include_deleted: bool = False) -> Sequence[Row]:
        """Return the object's visible rows."""
        return self.world.rows(SOURCE, sobject.stream, include_deleted=include_deleted)

    def find(self, sobject: SObject, record_id: str) -> Row | None:
        """Return the row with that id of 15 or 18 characters, also a deleted one, or None."""
        return self.world.get(SOURCE, sobject.stream, long_id(record_id))

    def present(self, sobject: SObject, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the present versions of the rows."""
        get = self.world.get
        return [get(SOURCE, sobject.stream, row.id) or row for row in rows]

    def default_user_id(self) -> str:
        """Return the id of the default owner."""
        users = self.world.rows(SOURCE, "users")
        return users[0].id if users else NOBODY

    def parents(self, spec: FieldSpec) -> Sequence[SObject]:
        """Return the objects of the org that a reference may point to, users first."""
        names = sorted(spec.targets, key=lambda name: name != "User")
        return [found for name in names if (found := self.sobject(name)) is not None]

    def getter(self, sobject: SObject, spec: FieldSpec) -> Getter:
        """Return the function from a row to its value of the field."""
        if spec.name in SYSTEM_FIELDS:
            return _SYSTEM[spec.name]
        name, kind, default = spec.name, spec.type, spec.default
        derive = _DERIVED.get((sobject.name, name)) or _DERIVED.get(("*", name))
        if derive is None and name in {"OwnerId", "CreatedById", "LastModifiedById"}:
            nobody = self.default_user_id()
            owner = "OwnerId"
            return lambda row: typed(kind, row.values.get(name) or row.values.get(owner)) or nobody

        def get(row: Row) -> Value:
            value = typed(kind, row.values.get(name))
            if value is None and derive is not None:
                return derive(row)
            return default if value is None else value

        return get


def _put_usual_statuses(world: World) -> None:
    at = world.clock.start - timedelta(days=900)
    for n, name in enumerate(_USUAL_STATUSES, 1):
        values = {
            "MasterLabel": name,
            "ApiName": name,
            "SortOrder": n,
            "IsDefault": n == 1,
            "IsConverted": name == "Closed - Converted",
        }
        id_ = long_id(f"01J5g0000000{n:03d}")
        world.put(Row(SOURCE, _STATUSES, id_, values, at, at, at))


def _modified_at(row: Row) -> datetime:
    return whole_second(row.modified_at)


_SYSTEM: Mapping[str, Getter] = {
    "Id": lambda row: row.id,
    "CreatedDate": lambda row: whole_second(row.created_at),
    "LastModifiedDate": _modified_at,
    "SystemModstamp": _modified_at,
    "IsDeleted": lambda row: row.deleted,
    "MasterRecordId": lambda row: row.merged_into,
}


def _text(row: Row, *names: str) -> str | None:
    """Return the values of the named fields, joined by blanks, or None."""
    return " ".join(str(row.values[name]) for name in names if row.values.get(name)) or None


def _full_name(row: Row) -> Value:
    return _text(row, "FirstName", "LastName")


def _address(row: Row) -> Value:
    parts: dict[str, object] = {key: row.values.get(name) for key, name in _ADDRESS.items()}
    return parts if any(parts.values()) else None


def _last_name(row: Row) -> Value:
    name = _text(row, "Name")
    return name.split()[-1] if name else None


def _first_name(row: Row) -> Value:
    name = _text(row, "Name")
    return (" ".join(name.split()[:-1]) or None) if name else None


def _login(row: Row) -> Value:
    return _text(row, "Username") or _text(row, "Email")


def _nickname(row: Row) -> Value:
    login = _login(row)
    return str(login).split("@", 1)[0] if login else None


def _user_alias(row: Row) -> Value:
    nickname = _nickname(row)
    return str(nickname)[:ALIAS_LENGTH] if nickname else None


_DERIVED: Mapping[tuple[str, str], Getter] = {
    ("*", "Name"): _full_name,
    ("*", "Address"): _address,
    ("Lead", "PhotoUrl"): lambda row: f"/services/images/photo/{row.id}",
    ("User", "FirstName"): _first_name,
    ("User", "LastName"): _last_name,
    ("User", "Username"): _login,
    ("User", "Email"): _login,
    ("User", "Alias"): _user_alias,
    ("User", "CommunityNickname"): _nickname,
}
