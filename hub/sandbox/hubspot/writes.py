"""Change records: create, update, archive, merge, and purge (delete permanently)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hub.sandbox.hubspot import associations
from hub.sandbox.hubspot.errors import ApiError, invalid, not_found
from hub.sandbox.hubspot.objects import DEALS, Crm, ObjectType, shown, type_of
from hub.sandbox.hubspot.pipelines import stage_named
from hub.sandbox.hubspot.properties import kinds_of, read_only
from hub.sandbox.hubspot.texts import SOURCE, Json
from hub.sandbox.world import Row

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def create(crm: Crm, kind: ObjectType, body: Json) -> Json:
    """Add a record; raise 409 if another record has its unique value (e-mail)."""
    values = _checked(crm, kind, body.get("properties"))
    unique = str(values.get(kind.key) or "") if kind.key else ""
    other = crm.find(kind, unique, by=kind.key) if unique else None
    if other is not None:
        name = kind.singular.title()
        raise ApiError(409, "CONFLICT", f"{name} already exists. Existing ID: {other.id}")
    row = crm.world.create(SOURCE, kind.name, values)
    for one in body.get("associations") or ():
        _associate(crm, kind, row.id, one)
    row = crm.world.get(SOURCE, kind.name, row.id) or row
    return shown(row, kind, crm.values(kind, row), sorted(values))


def _associate(crm: Crm, kind: ObjectType, name: str, one: Json) -> None:
    """Associate a new record; the type says which objects are meant."""
    types = one.get("types") or []
    number = types[0].get("associationTypeId") if types else None
    target = associations.target_of(kind, number)
    if target is None:
        raise invalid(f"{number} is no type of associations from {kind.name}")
    ids = (name, str((one.get("to") or {}).get("id", "")))
    associations.put(crm, kind, type_of(target), ids, types)


def update(crm: Crm, kind: ObjectType, name: str, body: Json, *, by: str = "") -> Json:
    """Change some of a record's properties. An empty text clears a property."""
    row = crm.get(kind, name, by=by)
    values = _checked(crm, kind, body.get("properties"))
    row = crm.world.update(SOURCE, kind.name, row.id, values)
    return shown(row, kind, crm.values(kind, row), sorted(values))


def archive(crm: Crm, kind: ObjectType, name: str) -> None:
    """Archive a record. A missing record is no error."""
    if crm.find(kind, name) is not None:
        crm.world.delete(SOURCE, kind.name, name)


def purge(crm: Crm, kind: ObjectType, body: Json) -> None:
    """Delete a record permanently, also from the archive."""
    row = crm.get(kind, str(body.get("objectId", "")), by=str(body.get("idProperty") or ""))
    crm.purged.add((kind.name, row.id))
    crm.world.delete(SOURCE, kind.name, row.id)


def merge(crm: Crm, kind: ObjectType, body: Json) -> Json:
    """Merge one record into another and return the surviving record."""
    winner, loser = (_row(crm, kind, body, key) for key in ("primaryObjectId", "objectIdToMerge"))
    if winner.id == loser.id:
        raise invalid("Cannot merge an object with itself")
    crm.world.merge(SOURCE, kind.name, loser.id, winner.id)
    kept = crm.world.get(SOURCE, kind.name, winner.id) or winner
    return shown(kept, kind, crm.values(kind, kept))


def _row(crm: Crm, kind: ObjectType, body: Json, key: str) -> Row:
    row = crm.find(kind, str(body.get(key, "")))
    if row is None:
        raise not_found()
    return row


def _checked(crm: Crm, kind: ObjectType, properties: Any) -> Mapping[str, Any]:
    """Return the properties to write; raise the vendor's 400 for invalid ones."""
    if not isinstance(properties, dict):
        raise invalid("Invalid input JSON: properties is required")
    known = kinds_of(crm, kind)
    wrong: list[Json] = []
    for name, value in properties.items():
        if name not in known:
            wrong.append(
                _problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
            )
        elif read_only(name):
            wrong.append(_problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property'))
        elif name == "email" and value and not _EMAIL.fullmatch(str(value)):
            wrong.append(_problem(name, "INVALID_EMAIL", f"Email address {value} is invalid"))
        elif kind is DEALS and name == "dealstage" and stage_named(crm.world, str(value)) is None:
            wrong.append(
                _problem(name, "INVALID_OPTION", f"{value} was not one of the allowed options")
            )
    if wrong:
        raise invalid(f"Property values were not valid: {json.dumps(wrong)}", errors=_errors(wrong))
    return {name: None if value == "" else value for name, value in properties.items()}


def _problem(name: str, code: str, message: str) -> Json:
    return {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
    }


def _errors(problems: list[Json]) -> list[Json]:
    return [
        {
            "message": one["message"],
            "code": one["error"],
            "context": {"propertyName": [one["name"]]},
        }
        for one in problems
    ]
