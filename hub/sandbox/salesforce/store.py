"""Rows of the world as records of the org: the value of each field of a row.

System fields come from the row itself. Derived fields (Name, Address, PhotoUrl) come from other
fields. Defaults come from the schema. Not here: queries (`plan.py`), JSON (`records.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.sandbox.salesforce.derived import DERIVED, Getter, Stages, by_stage
from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.schema import SYSTEM_FIELDS, FieldSpec, SObject, load_objects
from hub.sandbox.salesforce.setup import SOURCE, STAGES, put_usual
from hub.sandbox.salesforce.values import Value, long_id, typed
from hub.sandbox.world import Row, World, whole_second

NOBODY = long_id("005000000000001")


class Store:
    """The org's records.

    Args:
        world: the world with the rows of all vendors.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[str, tuple[int, SObject]] = {}
        put_usual(world)

    def names(self) -> Sequence[str]:
        """Return the names of all objects."""
        return [sobject.name for sobject in load_objects().values()]

    def sobject(self, name: str) -> SObject | None:
        """Return the object with that name in any letter case, with its rows' custom fields."""
        sobject = load_objects().get(name.lower())
        if sobject is None:
            return None
        revision = self.world.revision(SOURCE, sobject.stream)
        known = self._known.get(sobject.name)
        if known is None or known[0] != revision:
            known = self._known[sobject.name] = (revision, self._with_own_fields(sobject))
        return known[1]

    def _with_own_fields(self, sobject: SObject) -> SObject:
        """Return the object with the custom fields of its rows, without optional ones they lack."""
        values = [row.values for row in self.rows(sobject, include_deleted=True)]
        brought: set[str] = set().union(*values)
        formulas = self.world.silent(SOURCE, sobject.stream)
        told = self.world.told_fields(SOURCE, sobject.stream)
        known = brought | formulas | told.keys()
        custom = {name for name in known if sobject.field(name) is None} - SYSTEM_FIELDS
        has = sobject.without_unused(known)
        return has.with_custom(values, custom, formulas, told) if custom else has

    def require(self, name: str) -> SObject:
        """Return the object with that name; raise the 404 of an unknown path."""
        sobject = self.sobject(name)
        if sobject is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return sobject

    def rows(self, sobject: SObject, *, include_deleted: bool = False) -> Sequence[Row]:
        """Return the object's visible rows; queryAll also shows deleted and archived ones."""
        rows = self.world.rows(SOURCE, sobject.stream, include_deleted=include_deleted)
        if include_deleted or sobject.field("IsArchived") is None:
            return rows
        return [row for row in rows if not row.values.get("IsArchived")]

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

    def _stages(self) -> Stages:
        """Return what each stage of the deals means, by its name."""
        return {str(one.values["ApiName"]): one.values for one in self.world.rows(SOURCE, STAGES)}

    def parents(self, spec: FieldSpec) -> Sequence[SObject]:
        """Return the objects of the org that a reference may point to, users first."""
        names = sorted(spec.targets, key=lambda name: name != "User")
        return [found for name in names if (found := self.sobject(name)) is not None]

    def getter(self, sobject: SObject, spec: FieldSpec) -> Getter:
        """Return the function from a row to its value of the field."""
        if spec.name in SYSTEM_FIELDS:
            return _SYSTEM[spec.name]
        name, kind, default = spec.name, spec.type, spec.default
        derive = DERIVED.get((sobject.name, name)) or DERIVED.get(("*", name))
        if sobject.name == "Opportunity":
            derive = by_stage(name, self._stages()) or derive
        if derive is None and name in {"OwnerId", "CreatedById", "LastModifiedById"}:
            nobody = self.default_user_id()
            owner = "OwnerId"
            return lambda row: typed(kind, row.values.get(name) or row.values.get(owner)) or nobody

        def get(row: Row) -> Value:
            value = typed(kind, row.values.get(name))
            if value is None and derive is not None:
                return typed(kind, derive(row))
            return default if value is None else value

        return get


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
