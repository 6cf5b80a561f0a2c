"""What an object is made of, by describe: the fields to select, and the type of each.

In: the fields of describe. Out: a `Shape`, from which queries are written (`soql.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.errors import ConfigError

CURSOR_FIELDS = ("SystemModstamp", "LastModifiedDate")
_CREATED = "CreatedDate"
_UNSELECTABLE = frozenset({"address", "location", "base64"})
_NAMING = frozenset({"Id", "IsDeleted", "MasterRecordId"})
# https://help.salesforce.com/s/articleView?id=000387261: moves SystemModstamp, not the other
_LAST_ACTIVITY = "LastActivityDate"
# traces of the integration user's own reads; they change without SystemModstamp
_FOOTPRINTS = frozenset({"LastViewedDate", "LastReferencedDate"})


@dataclass(frozen=True, slots=True)
class Parent:
    """A field of a parent record that is selected with a record: `RecordType.Name`.

    Args:
        path: as in the query.
        id_field: the record's field with the parent's id.
        object: the parent's object.
        kind: the type of the field.
    """

    path: str
    id_field: str
    object: str
    kind: str = "string"


# reference field → what is read of its parent
_PARENTS: Mapping[str, Sequence[Parent]] = {
    "RecordTypeId": (Parent("RecordType.Name", "RecordTypeId", "RecordType"),),
    "CampaignId": (Parent("Campaign.Name", "CampaignId", "Campaign"),),
    "ReportsToId": (Parent("ReportsTo.Name", "ReportsToId", "Contact"),),
}
# object → what is read of the account that its records are on
_ON_PERSON = (
    Parent("Account.IsPersonAccount", "AccountId", "Account", "boolean"),
    Parent("Account.PersonContactId", "AccountId", "Account", "reference"),
)
_OF_ACCOUNT: Mapping[str, Sequence[Parent]] = {
    "Contact": (Parent("Account.Name", "AccountId", "Account"),),
    "Opportunity": _ON_PERSON,
    "Task": _ON_PERSON,
    "Event": _ON_PERSON,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object by describe: the fields to select, and the cursor field.

    Args:
        name: the object.
        fields: what a query selects, in order.
        cursor_field: the modification time that can be filtered on.
        time_filter_hides_deleted: whether the object has a recycle bin.
        silent: fields whose value changes without the cursor field.
        created_field: the creation time, by which a migration is bounded.
        where: a condition that every query has.
        kinds: the type of each selected field.
        parents: the selected fields of parent records.
        described: the fields as describe gives them.
    """

    name: str
    fields: tuple[str, ...]
    cursor_field: str
    time_filter_hides_deleted: bool
    silent: frozenset[str]
    created_field: str = _CREATED
    where: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, Parent] = field(default_factory=dict)
    described: Sequence[Mapping[str, Any]] = ()

    def only(self, keys: frozenset[str]) -> "Shape":
        """Return the shape with these fields, and those that the walk needs."""
        kept = {*keys, *_NAMING, self.cursor_field}
        return replace(self, fields=tuple(name for name in self.fields if name in kept))


def read_shape(
    name: str,
    fields: Sequence[Mapping[str, Any]],
    *,
    where: str = "",
    account_fields: frozenset[str] = frozenset(),
) -> Shape:
    """Return the shape of an object.

    Args:
        name: the object.
        fields: as describe gives them.
        where: a condition that every query has.
        account_fields: the fields of accounts. Only an org with person accounts has some of them; then
            records on an account name the person.
    """
    by_name = {str(one["name"]): one for one in fields if isinstance(one.get("name"), str)}
    chosen = [one for one in CURSOR_FIELDS if by_name.get(one, {}).get("filterable") is True]
    if not chosen or "Id" not in by_name:
        raise ConfigError(
            f"salesforce {name}: neither SystemModstamp nor LastModifiedDate can be filtered on",
            hint=f"give the integration user read access to the system fields of {name}",
        )
    selected = tuple(
        field
        for field, one in by_name.items()
        if one.get("type") not in _UNSELECTABLE and field not in _FOOTPRINTS
    )
    silent = {field for field in selected if by_name[field].get("calculated") is True}
    if chosen[0] == "LastModifiedDate":
        silent |= {_LAST_ACTIVITY} & set(selected)
    parents = {one.path: one for one in _parents_of(name, by_name, account_fields)}
    kinds = {one: str(by_name[one].get("type")) for one in selected}
    is_dated = by_name.get(_CREATED, {}).get("filterable") is True
    return Shape(
        name,
        (*selected, *parents),
        chosen[0],
        "IsDeleted" in by_name,
        frozenset(silent),
        created_field=_CREATED if is_dated else chosen[0],
        where=where,
        kinds=kinds | {path: one.kind for path, one in parents.items()},
        parents=parents,
        described=fields,
    )


def child_shape(
    name: str,
    fields: Sequence[Mapping[str, Any]],
    only: tuple[str, ...],
    parents: tuple[str, ...] = (),
) -> Shape:
    """Return the shape of an object that is joined to another; it needs no cursor field.

    Args:
        name: the object.
        fields: as describe gives them.
        only: those to select; none for all.
        parents: fields of what a record names; those whose relationship the org has are selected.
    """
    kinds = {
        str(one["name"]): str(one.get("type"))
        for one in fields
        if one.get("type") not in _UNSELECTABLE and one.get("name") not in _FOOTPRINTS
    }
    chosen = tuple(one for one in kinds if not only or one in only)
    named = {str(one.get("relationshipName")) for one in fields}
    chosen += tuple(path for path in parents if path.partition(".")[0] in named)
    return Shape(name, chosen, "", "IsDeleted" in kinds, frozenset(), kinds=kinds)


def _parents_of(
    name: str, by_name: Mapping[str, Mapping[str, Any]], account_fields: frozenset[str]
) -> Sequence[Parent]:
    """Return what is selected of parents: the names of the references that the object has."""
    found = [
        parent
        for field_name, those in _PARENTS.items()
        if by_name.get(field_name, {}).get("relationshipName")
        for parent in those
    ]
    if by_name.get("AccountId", {}).get("relationshipName"):
        found += [
            parent
            for parent in _OF_ACCOUNT.get(name, ())
            if parent.path.partition(".")[2] in account_fields
        ]
    return found
