"""Bulk 2.0 query jobs (jobs/query): states by the vendor's clock, CSV pages.

Without ORDER BY the rows follow the order of no field, like the vendor's chunks. So a client's
watermark must be the maximum over the whole job.
"""

import csv
import io
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce.errors import ApiError, not_found
from hub.sandbox.salesforce.org import Job, Org
from hub.sandbox.salesforce.plan import Plan, make_plan
from hub.sandbox.salesforce.values import long_id, to_csv, to_json
from hub.sandbox.salesforce.wire import Json, json_object, version_of
from hub.sandbox.world import whole_second

QUEUED_FOR = timedelta(seconds=0.3)
DONE_AFTER = timedelta(seconds=1)
DEFAULT_PAGE = 50_000
MAX_RESULT_LINKS = 5
_DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
_LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_DEFAULTS = {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"}
_CHOICES = {
    "operation": {"query", "queryAll"},
    "contentType": {"CSV"},
    "columnDelimiter": _DELIMITERS.keys(),
    "lineEnding": _LINE_ENDINGS.keys(),
}
_FINAL = {"JobComplete", "Aborted", "Failed"}


async def jobs(request: Request, org: Org) -> Response:
    """Create a job (POST) or list all (GET)."""
    if request.method == "GET":
        records = [_info(job, org, brief=True) for job in org.jobs.values()]
        return Json({"done": True, "nextRecordsUrl": None, "records": records})
    body = {**_DEFAULTS, **{key: str(value) for key, value in (await json_object(request)).items()}}
    for key, allowed in _CHOICES.items():
        if body.get(key) not in allowed:
            raise ApiError(400, "INVALIDJOB", f"InvalidJob : Invalid {key}: {body.get(key)}")
    plan = make_plan(body.get("query", ""), org.store, org.now())
    _check_plan(plan)
    rows = plan.rows(org.store, include_deleted=body["operation"] == "queryAll", shuffled=True)
    job = Job(
        id=long_id(f"750R{org.next_number():011d}"),
        body=body,
        plan=plan,
        rows=plan.shown(org.store, rows),
        version=version_of(request),
        created_at=org.now(),
        created_by=org.store.default_user_id(),
    )
    org.jobs[job.id] = job
    return Json(_info(job, org, brief=True))


async def job(request: Request, org: Org) -> Response:
    """Answer (GET), abort (PATCH) or delete (DELETE) a job."""
    found = _find(request, org)
    if request.method == "DELETE":
        if _state(found, org) not in _FINAL:
            message = "Deleting a job is allowed when it is aborted, completed or failed"
            raise ApiError(400, "INVALIDJOBSTATE", message)
        del org.jobs[found.id]
        return Response(status_code=204)
    if request.method == "PATCH":
        if (await json_object(request)).get("state") != "Aborted":
            raise ApiError(400, "INVALIDJOBSTATE", "Only the state Aborted can be set")
        if _state(found, org) in _FINAL:
            raise ApiError(400, "INVALIDJOBSTATE", "Aborting a finished job is not allowed")
        found.aborted_at = org.now()
        return Json(_info(found, org, brief=True))
    return Json(_info(found, org))


async def results(request: Request, org: Org) -> Response:
    """Answer a page of a finished job's CSV, with a header line on every page."""
    found = _finished(request, org)
    start = _locator(request.query_params.get("locator"), found)
    rows = found.rows[start : start + _page_size(request)]
    end = start + len(rows)
    headers = {
        "Sforce-NumberOfRecords": str(len(rows)),
        "Sforce-Locator": _name(end) if end < len(found.rows) else "null",
        "Content-Type": "text/csv;charset=UTF-8",
    }
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=_DELIMITERS[found.body["columnDelimiter"]],
        lineterminator=_LINE_ENDINGS[found.body["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    )
    columns = found.plan.columns
    writer.writerow(".".join(column.names) for column in columns)
    for row in rows:
        writer.writerow(to_csv(column.get(row)) for column in columns)
    return Response(out.getvalue(), headers=headers)


async def result_pages(request: Request, org: Org) -> Response:
    """Answer the URLs of up to five pages, for parallel reads."""
    found = _finished(request, org)
    start = _locator(request.query_params.get("locator"), found)
    size = _page_size(request)
    base = f"/services/data/v{found.version}/jobs/query/{found.id}"
    starts = list(range(start, max(len(found.rows), 1), size))
    links = [
        {"resultLink": f"{base}/results?locator={_name(at)}&maxRecords={size}"}
        for at in starts[:MAX_RESULT_LINKS]
    ]
    more = starts[MAX_RESULT_LINKS:]
    following = f"{base}/resultPages?locator={_name(more[0])}&maxRecords={size}" if more else None
    return Json({"resultPages": links, "nextRecordsUrl": following, "done": not more})


def _check_plan(plan: Plan) -> None:
    if plan.aggregates or plan.groups or plan.query.offset:
        message = "Aggregate Relationships and OFFSET not supported in Bulk Query"
        raise ApiError(400, "API_ERROR", message)
    if any(column.spec.is_compound or column.spec.type == "base64" for column in plan.columns):
        message = "Selecting compound data not supported in Bulk Query"
        raise ApiError(400, "API_ERROR", message)


def _find(request: Request, org: Org) -> Job:
    found = org.jobs.get(long_id(request.path_params["id"]))
    if found is None:
        raise not_found()
    return found


def _finished(request: Request, org: Org) -> Job:
    found = _find(request, org)
    if found.version != version_of(request):
        message = f"The job was created with API version {found.version}"
        raise ApiError(409, "API_ERROR", message)
    if _state(found, org) != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"The job is in state {_state(found, org)}")
    return found


def _state(found: Job, org: Org) -> str:
    age = org.now() - found.created_at
    if found.aborted_at is not None:
        return "Aborted"
    if age < QUEUED_FOR:
        return "UploadComplete"
    return "InProgress" if age < DONE_AFTER else "JobComplete"


def _info(found: Job, org: Org, *, brief: bool = False) -> dict[str, object]:
    state = _state(found, org)
    stamp = found.aborted_at or min(org.now(), found.created_at + DONE_AFTER)
    info: dict[str, object] = {
        "id": found.id,
        "operation": found.body["operation"],
        "object": found.plan.sobject.name,
        "createdById": found.created_by,
        "createdDate": to_json(whole_second(found.created_at)),
        "systemModstamp": to_json(whole_second(stamp)),
        "state": state,
        "concurrencyMode": "Parallel",
        "contentType": found.body["contentType"],
        "apiVersion": float(found.version),
        "lineEnding": found.body["lineEnding"],
        "columnDelimiter": found.body["columnDelimiter"],
    }
    if not brief:
        info |= {
            "jobType": "V2Query",
            "numberRecordsProcessed": len(found.rows) if state == "JobComplete" else 0,
            "retries": 0,
            "totalProcessingTime": int((stamp - found.created_at).total_seconds() * 1000),
            "isPkChunkingSupported": not found.plan.query.order,
        }
    return info


def _page_size(request: Request) -> int:
    text = request.query_params.get("maxRecords", str(DEFAULT_PAGE))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", f"Invalid maxRecords: {text}")
    return int(text)


def _name(start: int) -> str:
    """Return the locator of the page that starts at row `start`."""
    return "M" + format(start, "o").translate(str.maketrans("01234567", "DEjTwzAQ"))


def _locator(text: str | None, found: Job) -> int:
    if text is None:
        return 0
    digits = text[1:].translate(str.maketrans("DEjTwzAQ", "01234567"))
    start = int(digits, 8) if text[:1] == "M" and digits and set(digits) <= set("01234567") else -1
    if not 0 <= start <= len(found.rows):
        raise ApiError(400, "INVALID_LOCATOR", f"Invalid locator: {text}")
    return start
