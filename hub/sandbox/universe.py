"""The universe's format: read a JSON document, check it and build a `World` from it.

The schema is `universe.schema.json`, the same file as docs/reference/universe.schema.json. Not
here: how a universe is generated (`generator.py`), when later events are applied (`replay.py`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from hub.errors import ConfigError
from hub.sandbox.clock import VendorClock
from hub.sandbox.faults import Faults
from hub.sandbox.world import Row, UnknownRowError, World, whole_second

Document = dict[str, Any]
_SCHEMA = "universe.schema.json"
_HINT = "the format is described in docs/reference/universe.schema.json"
_FIRST_QUEUE = "00G"


@cache
def validator(definition: str = "") -> Draft202012Validator:
    """Return the validator of the whole format, or of one of its definitions."""
    schema = json.loads((resources.files("hub.sandbox") / _SCHEMA).read_text(encoding="utf-8"))
    if definition:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}
    return Draft202012Validator(schema)


def load_universe(path: Path) -> Document:
    """Return the universe in a file, or raise ConfigError with the JSON path of the error."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as exc:
        raise ConfigError(f"cannot read universe {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise ConfigError(f"universe {path} is not JSON: {exc}", hint=_HINT) from exc
    check_universe(document, name=str(path))
    return dict(document)


def check_universe(document: object, *, name: str = "universe") -> None:
    """Raise ConfigError with the JSON path of the first error."""
    check(document, "", name=name)
    if isinstance(document, Mapping):
        _check_references(document, name)


def check(value: object, definition: str, *, name: str) -> None:
    """Raise ConfigError if `value` does not fit that definition of the schema."""
    error = best_match(validator(definition).iter_errors(value))
    if error is not None:
        raise _wrong(name, error.json_path, error.message)


def _check_references(document: Mapping[str, Any], name: str) -> None:
    known: dict[str, set[str]] = {}
    for part in ("users", "companies", "people"):
        ids = [_id_within(item) for item in document.get(part, ())]
        _check_unique(ids, part, name)
        known[part] = set(ids)
    records = document.get("records", ())
    keys = ["/".join((one["source"], one["stream"], str(one["id"]))) for one in records]
    _check_unique(keys, "records", name)
    taken = set(keys)
    for i, record in enumerate(records):
        for part, key in (("people", "person"), ("companies", "company")):
            value = record.get(key)
            if known[part] and value is not None and str(value) not in known[part]:
                raise _wrong(name, f"$.records[{i}].{key}", f"{part} has no id {value!r}")
        for key in ("at", "modified_at"):
            _check_time(record.get(key), f"$.records[{i}].{key}", name)
        into = record.get("merged_into")
        prefix = f"{record['source']}/{record['stream']}/"
        if into is not None and prefix + str(into) not in taken:
            raise _wrong(name, f"$.records[{i}].merged_into", f"there is no record {into!r}")
    _check_events(document.get("events", ()), taken, name)


def _check_events(events: Sequence[Mapping[str, Any]], taken: set[str], name: str) -> None:
    """Check that each event names a record of the document or one that an event creates."""
    known = set(taken)
    for event in events:
        if event["op"] == "create" and "id" in event:
            known.add("/".join((event["source"], event["stream"], str(event["id"]))))
    for i, event in enumerate(events):
        for key in ("id", "into"):
            full = "/".join((event["source"], event["stream"], str(event.get(key))))
            if key in event and full not in known:
                raise _wrong(name, f"$.events[{i}].{key}", f"there is no record {event[key]!r}")


def _id_within(item: Mapping[str, Any]) -> str:
    """Return an id, after its source if the item names one (users of a single vendor)."""
    source = item.get("source")
    return f"{source}/{item['id']}" if source else str(item["id"])


def _check_unique(ids: Sequence[str], part: str, name: str) -> None:
    seen: set[str] = set()
    for i, one in enumerate(ids):
        if one in seen:
            raise _wrong(name, f"$.{part}[{i}].id", f"the id {one!r} occurs twice")
        seen.add(one)


def _check_time(value: str | None, path: str, name: str) -> None:
    try:
        _time(value)
    except ValueError as exc:
        raise _wrong(name, path, f"{value!r} is not a time: {exc}") from exc


def _wrong(name: str, path: str, message: str) -> ConfigError:
    return ConfigError(f"{name}: {path}: {message}", hint=_HINT)


def latest_at(document: Mapping[str, Any]) -> datetime | None:
    """Return the latest time in the records; the vendors' clock must not start before it."""
    times = [
        at
        for record in document.get("records", ())
        for key in ("at", "modified_at")
        if (at := _time(record.get(key))) is not None
    ]
    return max(times, default=None)


def build_world(
    document: Mapping[str, Any], clock: VendorClock, faults: Faults | None = None
) -> World:
    """Return the world of a valid universe, with the events without `after_s` applied."""
    world = World(clock, faults, seed=int(document.get("seed", 1)))
    for one in document.get("fields", ()):
        if one.get("calculated"):
            world.make_silent(one["source"], one["stream"], one["name"])
        if "type" in one:
            world.tell_field(one["source"], one["stream"], one)
    for position, user in enumerate(document.get("users", ()), start=1):
        _add_user(world, user, position)
    records = document.get("records", ())
    for position, record in enumerate(_in_time(records, clock.start)):
        _add_record(world, record, clock.start - timedelta(minutes=len(records) - position))
    for event in document.get("events", ()):
        if not event.get("after_s"):
            apply_event(world, event)
    return world


def apply_event(world: World, event: Mapping[str, Any]) -> Row:
    """Apply one event now; raise ConfigError if its record does not exist."""
    texts = {
        key: str(event[key])
        for key in ("id", "into", "person", "company")
        if event.get(key) is not None
    }
    try:
        return world.apply({**event, **texts})
    except UnknownRowError as exc:
        raise ConfigError(str(exc.args[0])) from exc


def _in_time(records: Sequence[Mapping[str, Any]], start: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the records, oldest first; records without a time come last."""
    return sorted(records, key=lambda record: _time(record.get("at")) or start)


def _add_user(world: World, user: Mapping[str, Any], position: int) -> None:
    own_id = str(user["id"])
    ids = {source: str(id_) for source, id_ in user.get("ids", {}).items()}
    name = str(user.get("name") or user.get("email") or own_id)
    known = {
        "id": own_id,
        "name": name,
        "email": user.get("email"),
        "active": bool(user.get("active", True)),
        "ids": ids,
    }
    world.users.append(known)
    id_ = ids.get("salesforce", own_id)
    if id_.startswith(_FIRST_QUEUE) or user.get("source", "salesforce") != "salesforce":
        return  # no Salesforce user: a queue, or a user of another vendor only
    at = world.clock.start - timedelta(days=900, minutes=-position)
    first, _, last = name.rpartition(" ")
    values = {
        "Id": id_,
        "FirstName": first or None,
        "LastName": last,
        "Name": name,
        "Email": known["email"],
        "Username": known["email"],
        "IsActive": known["active"],
    }
    world.put(Row("salesforce", "users", id_, values, at, at, at))


def _add_record(world: World, record: Mapping[str, Any], default_at: datetime) -> None:
    at = whole_second(_time(record.get("at")) or default_at)
    into, person, company = (
        None if record.get(key) is None else str(record[key])
        for key in ("merged_into", "person", "company")
    )
    row = Row(
        source=record["source"],
        stream=record["stream"],
        id=str(record["id"]),
        values=dict(record.get("values", {})),
        created_at=at,
        modified_at=max(whole_second(_time(record.get("modified_at")) or at), at),
        visible_at=world.clock.start,
        deleted=bool(record.get("deleted")) or into is not None,
        merged_into=into,
        person=person,
        company=company,
    )
    world.put(row)


def _time(value: str | None) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
