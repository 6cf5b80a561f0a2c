"""GET query and queryAll, and the later pages by a locator."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.org import Cursor, Org
from hub.sandbox.salesforce.plan import aggregate_lines, make_plan
from hub.sandbox.salesforce.records import Record, to_records
from hub.sandbox.salesforce.values import to_json
from hub.sandbox.salesforce.wire import Json, version_of

SMALLEST_BATCH, LARGEST_BATCH = 200, 2000
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a page was asked for: the API version (`59.0`) and the most records of a page."""

    version: str
    size: int


async def query(request: Request, org: Org) -> Response:
    """Answer a query without deleted records."""
    text = request.query_params.get("q", "")
    return Json(run_query(text, org, _asked(request), include_deleted=False))


async def query_all(request: Request, org: Org) -> Response:
    """Answer a query with the records in the recycle bin."""
    text = request.query_params.get("q", "")
    return Json(run_query(text, org, _asked(request), include_deleted=True))


async def query_more(request: Request, org: Org) -> Response:
    """Answer the page that a locator names."""
    return Json(more_of(request.path_params["locator"], org, _asked(request)))


def more_of(name: str, org: Org, asked: Asked) -> Record:
    """Return the page that a locator names; deleted records stay in if the query had them."""
    locator, _, offset = name.partition("-")
    cursor = org.find_cursor(locator)
    if not offset.isdigit() or int(offset) > len(cursor.rows):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(asked, org, cursor, locator, int(offset))


def run_query(text: str, org: Org, asked: Asked, *, include_deleted: bool) -> Record:
    """Return the first page of a query."""
    plan = make_plan(text, org.store, org.now())
    rows = plan.rows(org.store, include_deleted=include_deleted)
    if plan.is_count:
        return {"totalSize": len(rows), "done": True, "records": []}
    if plan.aggregates or plan.groups:
        records = [
            {
                "attributes": {"type": "AggregateResult"},
                **{key: to_json(value) for key, value in line.items()},
            }
            for line in aggregate_lines(plan, rows)
        ]
        return {"totalSize": len(records), "done": True, "records": records}
    shown = plan.shown(org.store, rows)
    cursor = Cursor(plan, shown, len(rows), org.now())
    if len(shown) <= asked.size:
        return _page(asked, org, cursor, "", 0)
    return _page(asked, org, cursor, org.open_cursor(plan, shown, len(rows)), 0)


def _page(asked: Asked, org: Org, cursor: Cursor, locator: str, offset: int) -> Record:
    version = asked.version
    end = offset + asked.size
    rows = org.store.present(cursor.plan.sobject, cursor.rows[offset:end])
    page: Record = {"totalSize": cursor.total, "done": end >= len(cursor.rows)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
    cursor.is_read |= bool(page["done"])
    page["records"] = to_records(cursor.plan, rows, version)
    return page


def _asked(request: Request) -> Asked:
    return Asked(version_of(request), batch_size(request.headers.get("sforce-query-options", "")))


def batch_size(options: str) -> int:
    """Return the records of a page that the header Sforce-Query-Options asks for."""
    match = _BATCH_SIZE.search(options)
    size = int(match.group(1)) if match else LARGEST_BATCH
    return min(max(size, SMALLEST_BATCH), LARGEST_BATCH)
