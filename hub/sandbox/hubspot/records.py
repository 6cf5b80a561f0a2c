"""Read objects: lists, single records, batches."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from hub.sandbox.hubspot.associations import listed
from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.history import histories
from hub.sandbox.hubspot.objects import TYPES, Crm, ObjectType, id_key, shown
from hub.sandbox.hubspot.properties import kinds_of
from hub.sandbox.hubspot.texts import SOURCE, Json, moment
from hub.sandbox.world import Row

MOST_IN_A_BATCH, MOST_WITH_HISTORY = 100, 50


def page(
    crm: Crm,
    kind: ObjectType,
    *,
    limit: int,
    after: str,
    names: Sequence[str],
    linked: Sequence[str],
    history: Sequence[str] = (),
    is_archived: bool,
) -> tuple[list[Json], str]:
    """Return a page of records ordered by id, and the next cursor ("" at the end)."""
    rows = crm.archived(kind) if is_archived else crm.live(kind)
    left = [row for row in rows if not after or id_key(row.id) >= id_key(after)]
    hidden = set() if is_archived else crm.world.hidden_ids(SOURCE, kind.name)
    show = shower(crm, kind, names, linked, history)
    taken, rest = left[:limit], left[limit:]
    following = _next(taken[-1].id, rest) if rest else ""
    return [show(row) for row in taken if row.id not in hidden], following


def shower(
    crm: Crm,
    kind: ObjectType,
    names: Sequence[str],
    linked: Sequence[str] = (),
    history: Sequence[str] = (),
) -> Callable[[Row], Json]:
    """Return a function that turns a row into JSON with the named properties and associations."""
    known = kinds_of(crm, kind) if names or history else {}
    asked = [name for name in names if name in known]
    targets = [one for one in TYPES if set(linked) & one.names]
    past = [name for name in history if name in known]

    def show(row: Row) -> Json:
        record = shown(row, kind, crm.values(kind, row), asked)
        links = {one.name: listed(crm, kind, one, row) for one in targets}
        if found := {name: {"results": results} for name, results in links.items() if results}:
            record["associations"] = found
        if past:
            record["propertiesWithHistory"] = histories(crm, kind, row, past)
        return record

    return show


def _next(last: str, rest: Sequence[Row]) -> str:
    """Return the next cursor: the last id plus one, as in recorded answers."""
    return str(int(last) + 1) if last.isdigit() else rest[0].id


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
