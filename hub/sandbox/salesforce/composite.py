"""POST composite: a body with subrequests; the answer has a status and a body for each of them.

Only reads are emulated: GET of query, queryAll, and of later pages by a locator. Clients use it for
a query that is too long for a URL (https://help.salesforce.com/s/articleView?id=000386264).
Not emulated: writes (see `composite/sobjects`), and references between subrequests.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce.errors import ApiError, not_found
from hub.sandbox.salesforce.org import Org
from hub.sandbox.salesforce.permissions import hidden_type
from hub.sandbox.salesforce.query import Asked, batch_size, more_of, run_query
from hub.sandbox.salesforce.records import Record
from hub.sandbox.salesforce.wire import Json, json_object, read_version

MOST_SUBREQUESTS, MOST_QUERIES = 25, 5
_REFERENCE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESOURCE = re.compile(
    r"/services/data/(?P<version>v[^/]+)/(?P<resource>query|queryAll)(/(?P<locator>[^/]+))?/?"
)


async def composite(request: Request, org: Org) -> Response:
    """Answer the subrequests in their order. All together count as one call of the budget."""
    asked = (await json_object(request)).get("compositeRequest")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
    _check(asked)
    return Json({"compositeResponse": [_answer(one, org) for one in asked]})


def _check(asked: Sequence[Mapping[str, Any]]) -> None:
    if not 1 <= len(asked) <= MOST_SUBREQUESTS:
        message = f"The composite request must have 1 to {MOST_SUBREQUESTS} subrequests."
        raise ApiError(400, "INVALID_INPUT", message)
    if len(asked) > MOST_QUERIES:
        message = f"No more than {MOST_QUERIES} subrequests can be query operations."
        raise ApiError(400, "INVALID_INPUT", message)
    names = [str(one.get("referenceId", "")) for one in asked]
    if not all(map(_REFERENCE.fullmatch, names)) or len(set(names)) < len(names):
        message = "Every subrequest needs a referenceId of letters and digits that no other has."
        raise ApiError(400, "INVALID_INPUT", message)


def _answer(asked: Mapping[str, Any], org: Org) -> Record:
    answer: Record = {"body": None, "httpHeaders": {}, "httpStatusCode": 200}
    try:
        answer["body"] = _run(asked, org)
    except ApiError as error:
        answer |= {"body": error.body(), "httpStatusCode": error.status}
    return {**answer, "referenceId": asked["referenceId"]}


def _run(asked: Mapping[str, Any], org: Org) -> Record:
    parts = urlsplit(str(asked.get("url", "")))
    found = _RESOURCE.fullmatch(parts.path)
    if found is None:
        raise not_found()
    if str(asked.get("method", "")).upper() != "GET":
        raise ApiError(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed. Allowed are GET")
    headers = asked.get("httpHeaders")
    options = headers.get("Sforce-Query-Options", "") if isinstance(headers, dict) else ""
    how = Asked(read_version(found["version"]), batch_size(str(options)))
    if found["locator"]:
        return more_of(found["locator"], org, how)
    text = parse_qs(parts.query).get("q", [""])[0]
    for part in org.world.faults.forbidden("salesforce"):
        if error := hidden_type(text, part):
            raise error
    return run_query(text, org, how, include_deleted=found["resource"] == "queryAll")
