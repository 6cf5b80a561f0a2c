"""Query jobs of Bulk API 2.0: start one, wait for it, and read its result page by page.

A result stays as it was when the job ran, and a page can be read again by its locator as long as the job
exists. So a read goes on after an interruption, and needs no order of the rows.
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from hub.clock import Clock
from hub.connectors.http import make_error
from hub.connectors.salesforce.client import SalesforceClient
from hub.errors import ProtocolError, TransientError

_PATH = "jobs/query"
_FIRST_WAIT_S, _MOST_WAIT_S, _MOST_TOTAL_S = 1.0, 30.0, 6 * 3600.0
_LAST = ("", "null")
_WAITING = frozenset({"UploadComplete", "InProgress"})


@dataclass(frozen=True, slots=True)
class Result:
    """One page of a result; `locator` names the next page, "" after the last one."""

    text: str
    rows_n: int
    locator: str


class BulkJobs:
    """The query jobs of one org.

    Args:
        client: of the org.
        clock: waits between two questions about a job.
        time_scale: how many times faster than ours the vendor's clock runs.
    """

    def __init__(self, client: SalesforceClient, clock: Clock, *, time_scale: float) -> None:
        self._client, self._clock, self._time_scale = client, clock, time_scale

    def start(self, soql: str) -> str:
        """Start a job with the records of the recycle bin; return its id."""
        asked = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        id_ = self._client.post(_PATH, asked).get("id")
        if not isinstance(id_, str) or not id_.isalnum():
            raise ProtocolError("salesforce: the answer to a Bulk job has no id")
        return id_

    def is_complete(self, id_: str) -> bool:
        """Wait until a job ends, with longer and longer waits; return whether it has a result.

        Raises:
            TransientError: the job takes too long.
        """
        wait_s, total_s = _FIRST_WAIT_S, 0.0
        while True:
            state = self._client.get(f"{_PATH}/{id_}").get("state")
            if state not in _WAITING:
                return state == "JobComplete"
            if total_s > _MOST_TOTAL_S:
                raise make_error(TransientError, f"salesforce: Bulk job {id_} takes too long")
            self._clock.sleep(wait_s / self._time_scale)
            total_s += wait_s
            wait_s = min(wait_s * 2, _MOST_WAIT_S)

    def pages(self, id_: str, locator: str, size: int) -> Iterator[Result]:
        """Yield the pages of a complete job's result, from a locator on.

        Raises:
            ProtocolError: a page is named twice, so that the read would have no end.
            TransientError: a page was cut.
        """
        seen = {locator}
        while True:
            page = self._page(id_, locator, size)
            yield page
            locator = page.locator
            if not locator:
                return
            if locator in seen:
                raise ProtocolError(f"salesforce: the result of Bulk job {id_} repeats a page")
            seen.add(locator)

    def _page(self, id_: str, locator: str, size: int) -> Result:
        asked = {"maxRecords": size, **({"locator": locator} if locator else {})}
        path = f"{_PATH}/{quote(id_, safe='')}/results?{urlencode(asked)}"
        body, headers = self._client.download(path)
        told = headers.get("Sforce-NumberOfRecords", "")
        following = headers.get("Sforce-Locator", "")
        if not told.isdigit():
            raise ProtocolError(f"salesforce: a page of Bulk job {id_} has no number of records")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as exc:
            message = f"salesforce: a page of Bulk job {id_} was cut"
            raise make_error(TransientError, message) from exc
        return Result(text, int(told), "" if following in _LAST else following)
