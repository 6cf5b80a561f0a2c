"""The earlier values of properties, the newest first.

The universe may name those of a deal's stage (`dealstage_history`: texts `time value`); what was changed since
follows from the events. https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide
"""

from collections.abc import Sequence
from datetime import datetime

from hub.sandbox.hubspot.objects import HISTORY, Crm, ObjectType
from hub.sandbox.hubspot.texts import Json, moment, text_of
from hub.sandbox.world import Row


def histories(crm: Crm, kind: ObjectType, row: Row, names: Sequence[str]) -> Json:
    """Return the values that properties of a record had, each with its time."""
    return {name: _history(crm, kind, row, name) for name in names}


def _history(crm: Crm, kind: ObjectType, row: Row, name: str) -> list[Json]:
    told = row.values.get(f"{name}{HISTORY}")
    past = [one.split(" ", 1) for one in told] if isinstance(told, list) else []
    values = [_value(datetime.fromisoformat(at), value) for at, value in past]
    changes = [
        _value(datetime.fromisoformat(one["at"]), text_of(one["values"][name]) or "")
        for one in crm.changes(kind).get(row.id, ())
        if name in one["values"]
    ]
    if not values and not changes and row.values.get(name) not in (None, ""):
        values = [_value(row.created_at, text_of(row.values[name]) or "")]
    return list(reversed([*values, *changes]))


def _value(at: datetime, value: str) -> Json:
    return {"value": value, "timestamp": moment(at), "sourceType": "CRM_UI", "sourceId": "userId:1"}
