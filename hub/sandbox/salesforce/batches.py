"""composite/sobjects: up to 200 records in one call, each with its own success or errors."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce import writes
from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.org import Org
from hub.sandbox.salesforce.records import to_record
from hub.sandbox.salesforce.schema import SObject
from hub.sandbox.salesforce.sobjects import columns_of
from hub.sandbox.salesforce.wire import Json, json_object, version_of
from hub.sandbox.world import Row

MAX_RECORDS = 200


async def write_many(request: Request, org: Org) -> Response:
    """Create (POST), change (PATCH) or delete (DELETE ?ids=) records."""
    if request.method == "DELETE":
        ids = [part for part in request.query_params.get("ids", "").split(",") if part]
        _check_size(ids)
        return Json([_attempt(partial(_delete, org, one)) for one in ids])
    records = (await json_object(request)).get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "records must be a list of objects")
    _check_size(records)
    write = _create if request.method == "POST" else _update
    return Json([_attempt(partial(write, org, one)) for one in records])


async def read_many(request: Request, org: Org) -> Response:
    """Answer records by id in the requested order, null for missing ones."""
    sobject = org.store.require(request.path_params["name"])
    if request.method == "POST":
        body = await json_object(request)
        ids, names = list(body.get("ids", [])), list(body.get("fields", []))
    else:
        ids = request.query_params.get("ids", "").split(",")
        names = request.query_params.get("fields", "Id").split(",")
    _check_size(ids, 2000)
    columns = columns_of(org, sobject, names)
    version = version_of(request)
    rows = [org.store.find(sobject, one) for one in ids]
    return Json(
        [
            None if row is None or row.deleted else to_record(sobject, columns, row, version)
            for row in rows
        ]
    )


def _check_size(records: list[Any], most: int = MAX_RECORDS) -> None:
    if not records or len(records) > most:
        message = f"Record limit reached: between 1 and {most} records are allowed."
        raise ApiError(400, "INVALID_INPUT" if not records else "EXCEEDED_ID_LIMIT", message)


def _attempt(write: Callable[[], Row]) -> dict[str, object]:
    try:
        row = write()
    except ApiError as error:
        fault = {"statusCode": error.code, "message": error.message, "fields": error.fields or []}
        return {"success": False, "errors": [fault]}
    return {"id": row.id, "success": True, "errors": []}


def _typed(org: Org, given: Mapping[str, Any]) -> SObject:
    marks = given.get("attributes")
    name = str(marks.get("type", "")) if isinstance(marks, dict) else ""
    sobject = org.store.sobject(name)
    if sobject is None:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return sobject


def _create(org: Org, given: Mapping[str, Any]) -> Row:
    return writes.create(org.store, _typed(org, given), given)


def _update(org: Org, given: Mapping[str, Any]) -> Row:
    record_id = next((str(value) for key, value in given.items() if key.lower() == "id"), "")
    values = {key: value for key, value in given.items() if key.lower() != "id"}
    if not record_id:
        raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call")
    return writes.update(org.store, _typed(org, given), record_id, values)


def _delete(org: Org, record_id: str) -> Row:
    for name in org.store.names():
        sobject = org.store.require(name)
        if org.store.find(sobject, record_id) is not None:
            return writes.delete(org.store, sobject, record_id)
    raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
