"""Associations of version 4: which records belong together, with types and labels.

A row names the records that it is associated with under `associations`, a list of `{to, id, label}`; a contact
names its primary company by `associatedcompanyid` too. Each association is seen from both sides.
https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.objects import (
    ASSOCIATIONS,
    CALLS,
    COMPANIES,
    CONTACTS,
    DEALS,
    EMAILS,
    MEETINGS,
    NOTES,
    TASKS,
    Crm,
    ObjectType,
    id_key,
)
from hub.sandbox.hubspot.texts import SOURCE, Json
from hub.sandbox.world import Row, digest_of

MOST_INPUTS, MOST_OF_ONE = 1_000, 500
_FIRST_LABEL, _LABELS = 20, 900
_ENGAGEMENTS = {one.name for one in (CALLS, EMAILS, MEETINGS, NOTES, TASKS)}
_PRIMARY = {("contacts", "companies"): 1, ("companies", "contacts"): 2, ("deals", "companies"): 5,
            ("companies", "deals"): 6}  # fmt: skip
# https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide#association-type-id-values
_UNLABELED = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280, ("deals", "companies"): 341,
    ("companies", "deals"): 342, ("deals", "contacts"): 3, ("contacts", "deals"): 4,
    **{(kind.name, to): n for kind, first in (
        (CALLS, 182), (EMAILS, 186), (MEETINGS, 188), (NOTES, 190), (TASKS, 192),
    ) for to, n in (("companies", first), ("contacts", first + 12), ("deals", first + 24))},
}  # fmt: skip
_OTHER_WAY = {(to, kind): n - 1 for (kind, to), n in _UNLABELED.items() if kind in _ENGAGEMENTS}
_TYPE_IDS: Mapping[tuple[str, str], int] = {**_UNLABELED, **_OTHER_WAY}


@dataclass(frozen=True, slots=True)
class Link:
    """One record that another one is associated with."""

    id: str
    label: str = ""
    is_primary: bool = False


def links(crm: Crm, origin: ObjectType, target: ObjectType, row: Row) -> list[Link]:
    """Return the living records of a type that a record is associated with, each once."""
    found = _named(row, origin, target)
    for id_ in crm.pointing(target, origin).get(row.id, ()):
        other = crm.find(target, id_)
        if other is not None:
            back = next(one for one in _named(other, target, origin).values() if one.id == row.id)
            found.setdefault(id_, Link(id_, back.label, back.is_primary and target is not CONTACTS))
    return [one for one in found.values() if crm.find(target, one.id) is not None]


def _named(row: Row, origin: ObjectType, target: ObjectType) -> dict[str, Link]:
    """Return the records that a row itself names, by id."""
    given = [one for one in row.values.get(ASSOCIATIONS) or () if one["to"] == target.name]
    primary = str(row.values.get("associatedcompanyid") or "")
    found: dict[str, Link] = {}
    if origin is CONTACTS and target is COMPANIES and primary:
        found[primary] = Link(primary, is_primary=True)
    for n, one in enumerate(given):
        is_first = origin is DEALS and target is COMPANIES and n == 0
        found.setdefault(str(one["id"]), Link(str(one["id"]), one.get("label") or "", is_first))
    return found


def batch_read(crm: Crm, origin: ObjectType, target: ObjectType, one: Json) -> Json:
    """Return a page of one record's associations; raise an error if it has none."""
    name = str(one.get("id", ""))
    row = crm.find(origin, name)
    found = links(crm, origin, target, row) if row is not None else []
    if not found:
        raise ApiError(
            404,
            "OBJECT_NOT_FOUND",
            f"No {target.singular} is associated with {origin.singular} {name}.",
            subCategory="crm.associations.NO_ASSOCIATIONS_FOUND",
            context={
                "fromObjectId": [name],
                "fromObjectType": [origin.type_id],
                "toObjectType": [target.type_id],
            },
        )
    page, after = paged(found, str(one.get("after") or ""), MOST_OF_ONE)
    answer: Json = {"from": {"id": name}, "to": [_shown(origin, target, link) for link in page]}
    if after:
        answer["paging"] = {"next": {"after": after, "link": f"?after={after}"}}
    return answer


def of_one(
    crm: Crm, origin: ObjectType, target: ObjectType, row: Row, *, after: str, limit: int
) -> tuple[list[Json], str]:
    """Return a page of one record's associations, and the next cursor."""
    page, following = paged(links(crm, origin, target, row), after, limit)
    return [_shown(origin, target, link) for link in page], following


def paged(found: Sequence[Link], after: str, limit: int) -> tuple[Sequence[Link], str]:
    """Return a page in the order of the ids, and the id after which the next one begins."""
    left = sorted(found, key=lambda one: id_key(one.id))
    if after:
        left = [one for one in left if id_key(one.id) > id_key(after)]
    page = left[:limit]
    return page, page[-1].id if len(left) > limit else ""


def listed(crm: Crm, origin: ObjectType, target: ObjectType, row: Row) -> list[Json]:
    """Return the associations as a record read with `associations` has them: ids and names of types."""
    kind = f"{origin.singular}_to_{target.singular}"
    found = []
    for link in links(crm, origin, target, row):
        is_primary = link.is_primary and (origin.name, target.name) in _PRIMARY
        unlabeled = f"{kind}_unlabeled" if COMPANIES in (origin, target) else kind
        names = [*([kind] if is_primary else []), unlabeled]
        found += [{"id": link.id, "type": one} for one in names]
    return found


def labels(crm: Crm, origin: ObjectType, target: ObjectType) -> list[Json]:
    """Return the types of associations between two types of objects; the account made the labels."""
    pair = (origin.name, target.name)
    known = {
        link.label
        for a, b in ((origin, target), (target, origin))
        for row in crm.live(a)
        for link in _named(row, a, b).values()
        if link.label
    }
    types = [_defined(_TYPE_IDS[pair])] if pair in _TYPE_IDS else []
    if pair in _PRIMARY:
        types.append(_defined(_PRIMARY[pair], "Primary"))
    return [*types, *(_made(one) for one in sorted(known))]


def put(
    crm: Crm, origin: ObjectType, target: ObjectType, ids: tuple[str, str], types: object
) -> Json:
    """Associate two records; a type of the account's own gives a label."""
    row, other = crm.get(origin, ids[0]), crm.get(target, ids[1])
    names = {one["typeId"]: one["label"] for one in labels(crm, origin, target)}
    wanted = types if isinstance(types, list) else []
    unknown = [one for one in wanted if one.get("associationTypeId") not in names]
    if unknown:
        raise invalid(f"{unknown[0].get('associationTypeId')} is no type of these objects")
    given = [str(names[one["associationTypeId"]] or "") for one in wanted]
    label = next((one for one in given if one and one != "Primary"), "")
    kept = [one for one in row.values.get(ASSOCIATIONS) or ()
            if (one["to"], str(one["id"])) != (target.name, other.id)]  # fmt: skip
    link = {"to": target.name, "id": other.id, "label": label or None}
    crm.world.update(SOURCE, origin.name, row.id, {ASSOCIATIONS: [*kept, link]})
    return {"fromObjectTypeId": origin.type_id, "fromObjectId": ids[0], "labels": [label] if label else [],
            "toObjectTypeId": target.type_id, "toObjectId": ids[1]}  # fmt: skip


def target_of(origin: ObjectType, number: object) -> str | None:
    """Return the type of objects to which a type of associations of the vendor's own leads."""
    pairs = [*_TYPE_IDS.items(), *_PRIMARY.items()]
    return next((to for (kind, to), n in pairs if kind == origin.name and n == number), None)


def remove(crm: Crm, origin: ObjectType, target: ObjectType, ids: tuple[str, str]) -> None:
    """Remove the association of two records; one that is not there is no error."""
    for kind, to, (from_id, to_id) in ((origin, target, ids), (target, origin, ids[::-1])):
        row = crm.get(kind, from_id)
        given = row.values.get(ASSOCIATIONS) or []
        kept = [one for one in given if (one["to"], str(one["id"])) != (to.name, to_id)]
        if len(kept) < len(given):
            crm.world.update(SOURCE, kind.name, row.id, {ASSOCIATIONS: kept})


def _shown(origin: ObjectType, target: ObjectType, link: Link) -> Json:
    pair = (origin.name, target.name)
    types = [_defined(_TYPE_IDS[pair])] if pair in _TYPE_IDS else []
    if link.is_primary and pair in _PRIMARY:
        types.insert(0, _defined(_PRIMARY[pair], "Primary"))
    if link.label:
        types.append(_made(link.label))
    return {"toObjectId": int(link.id) if link.id.isdigit() else link.id, "associationTypes": types}


def _defined(number: int, label: str | None = None) -> Json:
    return {"category": "HUBSPOT_DEFINED", "typeId": number, "label": label}


def _made(label: str) -> Json:
    number = _FIRST_LABEL + digest_of("label", label) % _LABELS
    return {"category": "USER_DEFINED", "typeId": number, "label": label}
