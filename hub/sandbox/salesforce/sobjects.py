"""sobjects/…: describe, one record, and the records changed or deleted in a span of time."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce import writes
from hub.sandbox.salesforce.describe import describe_brief, describe_global, describe_object
from hub.sandbox.salesforce.errors import ApiError, not_found
from hub.sandbox.salesforce.org import Org
from hub.sandbox.salesforce.plan import Column
from hub.sandbox.salesforce.records import attributes, to_record, whole_record
from hub.sandbox.salesforce.schema import SObject
from hub.sandbox.salesforce.values import is_id, to_json
from hub.sandbox.salesforce.wire import Json, base_url, json_object, version_of
from hub.sandbox.world import whole_second

REPLICATION_DAYS = 30


def _sobject(request: Request, org: Org) -> SObject:
    return org.store.require(request.path_params["name"])


async def list_objects(request: Request, org: Org) -> Response:
    """Answer the global describe."""
    found = [org.store.require(name) for name in org.store.names()]
    return Json(describe_global(found, version_of(request)))


async def object_root(request: Request, org: Org) -> Response:
    """Answer GET sobjects/X (brief), or create a record by POST."""
    sobject = _sobject(request, org)
    if request.method == "POST":
        row = writes.create(org.store, sobject, await json_object(request))
        return Json({"id": row.id, "success": True, "errors": []}, status_code=201)
    version = version_of(request)
    rows = sorted(org.store.rows(sobject), key=lambda row: row.modified_at, reverse=True)[:20]
    recent = [{"attributes": attributes(sobject, row, version), "Id": row.id} for row in rows]
    return Json({"objectDescribe": describe_brief(sobject, version), "recentItems": recent})


async def describe(request: Request, org: Org) -> Response:
    """Answer an object's describe."""
    return Json(describe_object(_sobject(request, org), version_of(request), base_url(request)))


async def record(request: Request, org: Org) -> Response:
    """Answer, change or delete one record."""
    sobject, record_id = _sobject(request, org), request.path_params["id"]
    if request.method == "PATCH":
        writes.update(org.store, sobject, record_id, await json_object(request))
        return Response(status_code=204)
    if request.method == "DELETE":
        writes.delete(org.store, sobject, record_id)
        return Response(status_code=204)
    row = org.store.find(sobject, record_id)
    if row is None and not is_id(record_id):
        raise not_found(
            f"Provided external ID field does not exist or is not accessible: {record_id}"
        )
    if row is None or row.deleted:
        raise not_found()
    version = version_of(request)
    names = request.query_params.get("fields")
    if not names:
        return Json(whole_record(org.store, sobject, row, version))
    columns = columns_of(org, sobject, names.split(","))
    return Json(to_record(sobject, columns, row, version))


async def blob(request: Request, org: Org) -> Response:
    """Answer the bytes of a base64 field: the content of a note, an attachment or a file."""
    sobject, record_id = _sobject(request, org), request.path_params["id"]
    row, spec = org.store.find(sobject, record_id), sobject.field(request.path_params["field"])
    if row is None or row.deleted or spec is None or spec.type != "base64":
        raise not_found()
    text = org.store.getter(sobject, spec)(row)
    return Response(b64decode(str(text or "")), media_type="application/octet-stream")


def columns_of(org: Org, sobject: SObject, names: list[str]) -> list[Column]:
    """Return the columns of the named fields of an object."""
    columns = []
    for name in names:
        spec = sobject.field(name.strip())
        if spec is None:
            message = f"No such column '{name.strip()}' on entity '{sobject.name}'"
            raise ApiError(400, "INVALID_FIELD", message)
        columns.append(Column((spec.name,), spec, org.store.getter(sobject, spec)))
    return columns


async def updated(request: Request, org: Org) -> Response:
    """Answer the ids of records changed in a span of time."""
    sobject = _sobject(request, org)
    start, end = _span(request, org)
    ids = [
        row.id for row in org.store.rows(sobject) if start <= whole_second(row.modified_at) <= end
    ]
    return Json({"ids": ids, "latestDateCovered": to_json(end)})


async def deleted(request: Request, org: Org) -> Response:
    """Answer the ids of records that were deleted or merged into others in a span of time."""
    sobject = _sobject(request, org)
    start, end = _span(request, org)
    gone = [
        {"id": row.id, "deletedDate": to_json(whole_second(row.modified_at))}
        for row in org.store.rows(sobject, include_deleted=True)
        if row.deleted and start <= whole_second(row.modified_at) <= end
    ]
    earliest = whole_second(org.now() - timedelta(days=REPLICATION_DAYS))
    return Json(
        {
            "deletedRecords": gone,
            "earliestDateAvailable": to_json(earliest),
            "latestDateCovered": to_json(end),
        }
    )


def _span(request: Request, org: Org) -> tuple[datetime, datetime]:
    start, end = (_moment(request, name) for name in ("start", "end"))
    now = org.now()
    if start < now - timedelta(days=REPLICATION_DAYS):
        message = f"startDate cannot be more than {REPLICATION_DAYS} days ago"
        raise ApiError(400, "INVALID_REPLICATION_DATE", message)
    if end - start < timedelta(minutes=1):
        message = "endDate must be at least one minute greater than startDate"
        raise ApiError(400, "INVALID_REPLICATION_DATE", message)
    return start, min(end, whole_second(now))


def _moment(request: Request, name: str) -> datetime:
    text = request.query_params.get(name, "").replace(" ", "+")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"For input string: '{text}' is not a valid dateTime for parameter {name}"
        raise ApiError(400, "INVALID_REPLICATION_DATE", message) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
