"""Read objects: lists, single records, batches, associations."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.objects import (
    COMPANIES,
    CONTACTS,
    SOURCE,
    Crm,
    Json,
    ObjectType,
    id_key,
    moment,
    shown,
)
from hub.sandbox.hubspot.properties import kinds_of
from hub.sandbox.world import Row

MOST_IN_A_BATCH, MOST_ASSOCIATIONS = 100, 1_000
_PRIMARY, _UNLABELED = 1, 279


def page(
    crm: Crm,
    kind: ObjectType,
    *,
    limit: int,
    after: str,
    names: Sequence[str],
    linked: Sequence[str],
    is_archived: bool,
) -> tuple[list[Json], str]:
    """Return a page of records ordered by id, and the next cursor ("" at the end)."""
    rows = crm.archived(kind) if is_archived else crm.live(kind)
    left = [row for row in rows if not after or id_key(row.id) >= id_key(after)]
    hidden = set() if is_archived else crm.world.hidden_ids(SOURCE, kind.name)
    show = shower(crm, kind, names, linked)
    taken, rest = left[:limit], left[limit:]
    following = _next(taken[-1].id, rest) if rest else ""
    return [show(row) for row in taken if row.id not in hidden], following


def shower(
    crm: Crm, kind: ObjectType, names: Sequence[str], linked: Sequence[str] = ()
) -> Callable[[Row], Json]:
    """Return a function that turns a row into JSON with the named properties and associations."""
    merged = crm.merged(kind)
    known = kinds_of(crm, kind) if names else {}
    asked = [name for name in names if name in known]

    def show(row: Row) -> Json:
        record = shown(row, kind, asked, merged.get(row.id, ()))
        if linked:
            links = _links(crm, kind, row, linked)
            if links:
                record["associations"] = links
        return record

    return show


def _next(last: str, rest: Sequence[Row]) -> str:
    """Return the next cursor: the last id plus one, as in recorded answers."""
    return str(int(last) + 1) if last.isdigit() else rest[0].id


def _links(crm: Crm, kind: ObjectType, row: Row, linked: Sequence[str]) -> Json:
    """Return a contact's companies, as an answer with `associations` has them."""
    if kind is not CONTACTS or not set(linked) & COMPANIES.names:
        return {}
    company = _company_of(crm, row)
    if not company:
        return {}
    kinds = ("contact_to_company", "contact_to_company_unlabeled")
    return {"companies": {"results": [{"id": company, "type": one} for one in kinds]}}


def _company_of(crm: Crm, row: Row) -> str:
    value = row.values.get("associatedcompanyid")
    company = "" if value in (None, "") else str(value)
    return company if company and crm.find(COMPANIES, company) is not None else ""


def batch(inputs: Any, most: int, each: Callable[[Json], Json | None], now: datetime) -> Json:
    """Return a batch's answer: the results, and an error for each failed input."""
    if not isinstance(inputs, list) or not inputs:
        raise invalid("Invalid input JSON: inputs is required")
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs is {most}")
    results: list[Json] = []
    errors: list[Json] = []
    for one in inputs:
        try:
            result = each(one if isinstance(one, dict) else {"id": one})
        except ApiError as exc:
            errors.append({k: v for k, v in exc.body().items() if k != "correlationId"})
            continue
        if result is not None:
            results.append(result)
    answer: Json = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": moment(now),
        "completedAt": moment(now),
    }
    if errors:
        answer |= {"numErrors": len(errors), "errors": errors}
    return answer


def missing(kind: ObjectType, name: str) -> ApiError:
    """Return the error of a missing record in a batch."""
    return ApiError(
        404,
        "OBJECT_NOT_FOUND",
        f"Could not get some {kind.name.upper()} objects, they may be deleted or not exist.",
        context={"ids": [name]},
    )


def associations(crm: Crm, origin: ObjectType, target: ObjectType, one: Json) -> Json:
    """Return one record's associations; raise an error if it has none."""
    name = str(one.get("id", ""))
    linked: list[tuple[str, bool]] = []
    if origin is CONTACTS and target is COMPANIES:
        row = crm.find(CONTACTS, name)
        company = _company_of(crm, row) if row is not None else ""
        linked = [(company, True)] if company else []
    elif origin is COMPANIES and target is CONTACTS:
        rows = [row for row in crm.live(CONTACTS) if _company_of(crm, row) == name]
        linked = [(row.id, False) for row in rows]
    if not linked:
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
    return {"from": {"id": name}, "to": [_association(*link) for link in linked]}


def _association(name: str, is_primary: bool) -> Mapping[str, Any]:  # noqa: FBT001  # a pair, taken apart
    types = [{"category": "HUBSPOT_DEFINED", "typeId": _UNLABELED, "label": None}]
    if is_primary:
        types.insert(0, {"category": "HUBSPOT_DEFINED", "typeId": _PRIMARY, "label": "Primary"})
    return {"toObjectId": int(name) if name.isdigit() else name, "associationTypes": types}
