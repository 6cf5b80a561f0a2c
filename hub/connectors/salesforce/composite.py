"""A query in the body of a composite request, for objects with very many fields.

Salesforce allows 16,384 bytes for address and headers together, and advises to leave 8,000 of them
for the headers. It answers 414 or 431 to a longer request. A longer query is sent as a subrequest: it
counts as one call, may have 100,000 characters, and its answer has the same pages.
https://help.salesforce.com/s/articleView?id=000386264
Groups of fields joined by Id were not chosen: a record that changes between two groups would mix two
versions, and each page would cost several calls.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from simple_salesforce.exceptions import SalesforceGeneralError

from hub.connectors.slices import slice_key, slice_list
from hub.errors import ProtocolError

PATH = "composite"
MOST_ADDRESS = 8_000
_REFERENCE = "records"
_RESULTS = "compositeResponse"
_OK = 200


def needs_body(soql: str) -> bool:
    """Return whether the encoded query is too long for an address."""
    return len(_address(soql, deleted=True, version="00.0")) > MOST_ADDRESS


def request_of(soql: str, *, deleted: bool, version: str) -> Mapping[str, Any]:
    """Return the body of a composite request with the query as its one subrequest.

    Args:
        soql: the query.
        deleted: whether to include the records of the recycle bin.
        version: API version, e.g. `64.0`.
    """
    return requests_of({_REFERENCE: soql}, deleted=deleted, version=version)


def requests_of(soql: Mapping[str, str], *, deleted: bool, version: str) -> Mapping[str, Any]:
    """Return the body of a composite request with up to five queries, by a name for each.

    All queries together count as one request.
    https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
    """
    return {
        "compositeRequest": [
            {
                "method": "GET",
                "url": _address(one, deleted=deleted, version=version),
                "referenceId": name,
            }
            for name, one in soql.items()
        ]
    }


def results_of(answer: object) -> Mapping[str, tuple[int, Any]]:
    """Return the HTTP status and the content of each query's answer, by the query's name.

    Raises:
        ProtocolError: the answer does not have the documented shape.
    """
    results = answer.get(_RESULTS) if isinstance(answer, Mapping) else None
    if not isinstance(results, list):
        raise ProtocolError("Salesforce query: the composite answer has no results")
    return {
        str(one.get("referenceId")): (int(one.get("httpStatusCode") or 0), one.get("body"))
        for one in results
        if isinstance(one, Mapping)
    }


def answer_of(answer: object, body: bytes) -> tuple[Mapping[str, Any], bytes]:
    """Return the query's answer, parsed and as bytes.

    Args:
        answer: the composite answer, parsed.
        body: its bytes as received.

    Raises:
        SalesforceGeneralError: the query was refused; the SDK raises the same for other queries.
        ProtocolError: the answer does not have the documented shape.
    """
    results = answer.get(_RESULTS) if isinstance(answer, Mapping) else None
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], Mapping):
        raise ProtocolError("Salesforce query: the composite answer has not one result")
    status, found = results[0].get("httpStatusCode"), results[0].get("body")
    if status != _OK:
        content: Any = found  # the SDK also hands on parsed content, against its annotation
        raise SalesforceGeneralError("", status if isinstance(status, int) else 0, PATH, content)
    if not isinstance(found, Mapping):
        raise ProtocolError("Salesforce query: the composite answer is no object")
    return found, slice_key(slice_list(body, _RESULTS)[0], "body")


def _address(soql: str, *, deleted: bool, version: str) -> str:
    resource = "queryAll" if deleted else "query"
    return f"/services/data/v{version}/{resource}/?q={quote_plus(soql)}"
