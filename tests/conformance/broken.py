"""Connectors that are broken on purpose, each in exactly one thing, so that promises are seen to fail.

A real connector stands inside each. Most break what goes in or comes out of it and would break any
vendor's; those at the end reach into one vendor's client, by the parts named there.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from math import inf
from types import SimpleNamespace
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from hub.clock import Clock, SystemClock
from hub.connectors.addresses import Reach
from hub.connectors.answers import to_answer
from hub.connectors.base import (
    Connector,
    Cursor,
    Finding,
    Glance,
    News,
    Page,
    Probes,
    Stream,
    Window,
)
from hub.connectors.governor import Budget, Limits, LocalBudget
from hub.connectors.http import RetryPolicy
from hub.connectors.registry import connect
from hub.connectors.windows import after, inside
from hub.errors import (
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)
from hub.logs import get_logger
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.conformance.conftest import TIME_SCALE, records_of


class Broken:
    """A connector that does all as the one inside it."""

    def __init__(
        self,
        source: str,
        block: SimpleNamespace,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.source = source
        self.block = self.bent(block)
        self.whole: Connector = connect(
            source, self.block, clock, budget=budget, retry_policy=retry_policy
        )
        self.inside: Any = self.whole  # for what is no part of the contract

    def bent(self, block: SimpleNamespace) -> SimpleNamespace:
        return block

    def streams(self) -> Sequence[Stream]:
        return self.whole.streams()

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        return self.whole.window(stream, cursor)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        return self.whole.read(stream, window)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        return self.whole.count(stream, since, until)

    def check(self) -> Sequence[Finding]:
        return self.whole.check()

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        assert isinstance(self.whole, Probes)
        return self.whole.news(cursors)


# questions


class IsAlwaysQuiet(Broken):
    def news(self, cursors):
        news = super().news(cursors)
        return replace(news, glances={name: Glance() for name in news.glances})


class RingsForEver(Broken):
    def news(self, cursors):
        news = super().news(cursors)
        return replace(news, glances={name: Glance(is_certain=True) for name in news.glances})


class IgnoresTheLag(Broken):
    def bent(self, block):
        return SimpleNamespace(**{**vars(block), "lag_s": 0})


class ForgetsTheOverlap(Broken):
    def bent(self, block):
        return SimpleNamespace(**{**vars(block), "overlap_s": 0})


class AsksMoreThanItSays(Broken):
    def news(self, cursors):
        super().news(cursors)
        super().news(cursors)
        return super().news(cursors)


class HidesRefusals(Broken):
    def news(self, cursors):
        return replace(super().news(cursors), faults=())


class AsksAgainAndAgain(Broken):
    def __init__(self, source, block, clock, *, budget=None, retry_policy=None):
        super().__init__(source, block, clock, budget=budget)


# records


class ChangesPages(Broken):
    """Hands out the pages of the one inside it with other records."""

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        for page in self.whole.read(stream, window):
            yield Page(self.changed(list(page.records)), page.cursor)

    def changed(self, records: list[RawRecord]) -> list[RawRecord]:
        raise NotImplementedError


class DropsTheLastOfAPage(ChangesPages):
    def changed(self, records):
        return records[:-1]


class HandsOutTwice(ChangesPages):
    def changed(self, records):
        return records + records[:1]


class IgnoresDeletes(ChangesPages):
    def changed(self, records):
        return [one for one in records if one.op is Op.UPSERT]


class NamesNoSurvivor(ChangesPages):
    def changed(self, records):
        return [replace(one, into=None) for one in records]


class DropsOddRecords(ChangesPages):
    def changed(self, records):
        return [one for one in records if one.source_id]


class DiesOfAnOddRecord(ChangesPages):
    def changed(self, records):
        if not all(one.source_id for one in records):
            raise ProtocolError("a record has no id")
        return records


class DiesOfAnEmptyPage(ChangesPages):
    def changed(self, records):
        records[-1]
        return records


class StampsRecords(ChangesPages):
    """Writes into each record when it was read."""

    reads = itertools.count()

    def changed(self, records):
        stamp = b'{"read": %d, ' % next(self.reads)
        return [replace(one, payload=one.payload.replace(b"{", stamp, 1)) for one in records]


class ReadsLatin1(ChangesPages):
    def changed(self, records):
        return [replace(one, payload=one.payload.decode("latin-1").encode()) for one in records]


class KeepsToAscii(ChangesPages):
    def changed(self, records):
        return [replace(one, payload=_ascii(json.loads(one.payload))) for one in records]


def _ascii(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("ascii", "replace")


# pages


class StopsAtAShortPage(Broken):
    """Takes a page with fewer records than were asked for as the last one."""

    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            if len(page.records) < self.block.page_size:
                yield Page(page.records, after(window))
                return
            yield page


class StopsAtAPageOfOne(Broken):
    """Takes a page of one record for the last one that comes again, as with an inclusive bound."""

    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            if len(page.records) == 1:
                yield Page([], after(window))
                return
            yield page


class StopsAtAKnownRecord(Broken):
    """Takes a record that comes again as the end, as a guard against going in circles might."""

    def read(self, stream, window):
        seen: set[str] = set()
        for page in self.whole.read(stream, window):
            ids = {one.source_id for one in page.records}
            if ids & seen:
                yield Page([], after(window))
                return
            seen |= ids
            yield page


class MovesPastTheSecond(Broken):
    """Asks for what changed after the last record's time, as a cursor without a tie-break does."""

    def read(self, stream, window):
        last = None
        for page in self.whole.read(stream, window):
            kept = [one for one in page.records if last is None or one.at != last]
            last = page.records[-1].at if page.records else last
            yield Page(kept, page.cursor)


class ReadsAhead(Broken):
    def read(self, stream, window):
        return iter(list(self.whole.read(stream, window)))


class KeepsAllItRead(Broken):
    def read(self, stream, window):
        self.kept: list[RawRecord] = []
        for page in self.whole.read(stream, window):
            self.kept += page.records
            yield page


class SaysNothingOfNothing(Broken):
    """Hands out no page without a record, and so moves no watermark."""

    def read(self, stream, window):
        return (page for page in self.whole.read(stream, window) if page.records)


class StopsAtAForbiddenPart(Broken):
    """Ends the stream where one part of it is refused."""

    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            for fault in page.faults:
                raise fault.error
            yield page


class KeepsARefusalToItself(Broken):
    def read(self, stream, window):
        return (Page(page.records, page.cursor) for page in self.whole.read(stream, window))


class ForgetsARefusedPart(Broken):
    """Moves the place of a refused part as if it had been read."""

    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            behind = page.cursor.get("behind", {})
            known = [*page.cursor.get("known", []), *behind]
            yield Page(page.records, {**page.cursor, "behind": {}, "known": known}, page.faults)


class StopsAtAMissingPermission(Broken):
    """Takes a permission that is missing for one stream for credentials that are refused."""

    def window(self, stream, cursor):
        try:
            return self.whole.window(stream, cursor)
        except ForbiddenError as exc:
            raise CredentialError(exc.message) from exc


class TakesARevocationForALack(Broken):
    """Takes credentials that are refused for a permission that is missing."""

    def window(self, stream, cursor):
        try:
            return self.whole.window(stream, cursor)
        except CredentialError as exc:
            raise ForbiddenError(exc.message) from exc


class DiesOfHtml(Broken):
    """Ends with a bare error of its own where an answer is none."""

    def window(self, stream, cursor):
        try:
            return self.whole.window(stream, cursor)
        except TransientError as exc:
            raise ValueError(exc.message) from exc


class SkipsNothing(Broken):
    def bent(self, block):
        return SimpleNamespace(**{**vars(block), "skip": []})


# cursors and windows


class NeverEndsAWindow(Broken):
    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            yield Page(page.records, {**inside(window, {}), **page.cursor})


class ReadsContextLast(Broken):
    def streams(self):
        return sorted(self.whole.streams(), key=lambda stream: stream.context)


class ResumesAtTheNextPage(Broken):
    """Gives each page the cursor of the page after it."""

    def read(self, stream, window):
        pages = self.whole.read(stream, window)
        page = next(pages)
        for next_after in pages:
            yield Page(page.records, next_after.cursor)
            page = next_after
        yield page


class StartsTheWindowAgain(Broken):
    """Forgets where in the window it was."""

    def window(self, stream, cursor):
        window = self.whole.window(stream, cursor)
        if not cursor or "window" not in cursor:
            return window
        fresh = self.whole.window(stream, {"watermark": cursor.get("watermark")})
        return replace(fresh, until=window.until)


class FreezesAgain(Broken):
    """Takes a new end for a window that is not finished."""

    def window(self, stream, cursor):
        window = self.whole.window(stream, cursor)
        return replace(window, until=window.until + timedelta(seconds=1))


class ReadsAllAgain(Broken):
    def window(self, stream, cursor):
        return replace(self.whole.window(stream, None), watermark=None)


class MovesTheWatermarkToNow(Broken):
    """Ends a window where the reading ended; what changed meanwhile is passed by."""

    def read(self, stream, window):
        for page in self.whole.read(stream, window):
            if "window" in page.cursor:
                yield page
            else:
                now = window.until + timedelta(hours=2)
                yield Page(page.records, {**page.cursor, **after(replace(window, until=now))})


class WaitsForNobody(Broken):
    """Reads up to the vendor's present, and begins where it ended."""

    def bent(self, block):
        return SimpleNamespace(**{**vars(block), "lag_s": 0, "overlap_s": 0})


# counts


class CountsOneTooMany(Broken):
    def count(self, stream, since, until):
        found = self.whole.count(stream, since, until)
        return None if found is None else found + 1


class CountsWhatCannotBeCounted(Broken):
    def count(self, stream, since, until):
        return self.whole.count(stream, since, until) or 0


class CountsFromTheBeginning(Broken):
    def count(self, stream, since, until):
        return self.whole.count(stream, None, until)


class CountsWhatItRead(Broken):
    """Counts by reading, so that what is never handed out is missed by both."""

    def count(self, stream, since, until):
        records = records_of(list(self.whole.read(stream, Window(since, until))))
        last = {record.source_id: record.op for record in records}
        return sum(op is Op.UPSERT for op in last.values())


class InsistsOnTheCount(Broken):
    """Reads a window until it has as many as the vendor counts."""

    def read(self, stream, window):
        counted = self.whole.count(stream, window.since, window.until)
        pages = list(self.whole.read(stream, window))
        live = {one.source_id for one in records_of(pages) if one.op is Op.UPSERT}
        if counted is not None and len(live) < counted:
            raise ProtocolError("fewer records came than were counted")
        return iter(pages)


# what is said


class IsNeverContent(Broken):
    def check(self):
        return [replace(one, ok=False) for one in self.whole.check()]


class IsAlwaysContent(Broken):
    def check(self):
        return [Finding("account", ok=True, message="it will do")]


class TellsItsSecret(Broken):
    """Puts its secret into the error that says that it was refused."""

    def window(self, stream, cursor):
        try:
            return self.whole.window(stream, cursor)
        except CredentialError as exc:
            raise CredentialError(f"{exc.message}: {self.block.token}", hint=exc.hint) from exc


class LogsItsSecret(Broken):
    def read(self, stream, window):
        get_logger().info("page_asked_for", token=self.block.token)
        return self.whole.read(stream, window)


class ShowsItsSecret(Broken):
    """Has its secret among what its repr shows."""

    def __repr__(self):
        return f"Broken({self.block.token})"


# over the wire; `_client`, its `find`, `_patience` and `_session`: Typeform's


class GivesUpAtOnce(Broken):
    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.inside._client._retry_policy = RetryPolicy(attempts=1, time_scale=TIME_SCALE)


class SwallowsErrors(GivesUpAtOnce):
    """Takes an answer that is none for an empty page."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        find = self.inside._client.find
        empty = b'{"items": [], "total_items": 0, "page_count": 0}'
        date = {"Date": "Tue, 24 Nov 2026 00:00:00 GMT"}

        def swallow(path, params=None):
            try:
                return find(path, params)
            except TransientError:
                return to_answer(empty, date, where=f"GET {path}")

        self.inside._client.find = swallow


class TriesForEver(Broken):
    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.inside._client._retry_policy = RetryPolicy(
            attempts=10_000, total_s=inf, most_s=0, time_scale=TIME_SCALE
        )


class _Sleepless(SystemClock):
    def sleep(self, seconds: float) -> None:
        """Come back at once."""


class ComesAgainAtOnce(Broken):
    """Does not wait for as long as it was asked to."""

    def __init__(self, source, block, clock, *, budget=None, retry_policy=None):
        super().__init__(source, block, _Sleepless(), budget=budget, retry_policy=retry_policy)


class _Endless(HTTPAdapter):
    def send(self, request, *args, **rest):
        return super().send(request, *args, **{**rest, "timeout": None})


class WaitsForEver(Broken):
    """Sets no time limit."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.inside._client._session.mount("http://", _Endless())


class GoesRoundInCircles(Broken):
    """Does not notice that a page comes again."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        next_after = self.inside._next

        def forgetful(form_id, since, until, before, seen):
            seen.last.clear()
            return next_after(form_id, since, until, before, seen)

        self.inside._next = forgetful


class EndsWhereItBegan(Broken):
    """Takes a page that comes again for the last one, and says that it is done."""

    def read(self, stream, window):
        try:
            for page in self.whole.read(stream, window):
                yield Page(page.records, page.cursor)  # without the fault of the form
        except ProtocolError:
            yield Page([], after(window))


class WritesBack(Broken):
    """Marks at the vendor what it has read."""

    def read(self, stream, window):
        yield from self.whole.read(stream, window)
        session = self.inside._client._session
        session.post(f"{self.block.base_url}/forms", json={"title": "read"})


class GoesPastTheBudget(Broken):
    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.inside._client._session._budget = LocalBudget(Limits(), SystemClock())


class NeverLogsInAgain(Broken):
    """Ends with its first session; `_client._bound_logins` is called at each login: Salesforce's."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        logins = itertools.count()

        def refuse_the_second():
            if next(logins):
                raise CredentialError("the session has ended")

        self.inside._client._bound_logins = refuse_the_second


class KnowsOneLogin(Broken):
    """Ignores how it is told to log in."""

    def bent(self, block):
        return SimpleNamespace(**{**vars(block), "auth": "client_credentials"})


class PutsEveryQueryInTheAddress(Broken):
    """Asks by GET whatever the length; `_client._try`, `_batch` and `_body`: Salesforce's."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        client = self.inside._client

        def query(soql, *, deleted):
            return client._try(
                "query",
                lambda sdk: client._batch(sdk.query(soql, include_deleted=deleted), client._body()),
            )

        client.query = query


# with a hostile vendor; the first two: Zendesk's `_client.get`, Salesforce's `_client._reach`

_ANYWHERE = Reach("anywhere", lambda _: True)


class FollowsAddresses(Broken):
    """Asks the address of the next page that an answer names, wherever it leads."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        client = self.inside._client
        client._session._reach = _ANYWHERE
        get = client.get

        def follow(path, params=None):
            answer = get(path, params)
            if answer.text("next_page"):
                client._session.get(answer.text("next_page"))
            return answer

        client.get = follow


class TrustsALogin(Broken):
    """Takes its token to whatever host a login names."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        client = self.inside._client
        client._reach = client._session._reach = _ANYWHERE


class _Greedy(HTTPAdapter):
    def send(self, request, *args, **rest):
        response = super().send(request, *args, **rest)
        response.raw = HTTPResponse(BytesIO(response.content), preload_content=False)
        return response


class ReadsWithoutALimit(GivesUpAtOnce):
    """Reads a body whole before it looks at it."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.inside._client._session.mount("http://", _Greedy())


class RaisesItsOwn(Broken):
    """Lets an error out that is none of the contract's."""

    def window(self, stream, cursor):
        try:
            return self.whole.window(stream, cursor)
        except HubError as exc:
            raise RuntimeError("something happened") from exc

    def read(self, stream, window):
        try:
            yield from self.whole.read(stream, window)
        except HubError as exc:
            raise RuntimeError("something happened") from exc


class KeepsAnyPause(Broken):
    """Pauses the account for as long as an answer says."""

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        session = self.inside._client._session

        def pause(response):
            session._budget.pause(float(response.headers.get("Retry-After", 0)))

        session._inspect = pause


class RefusesLargePages(ChangesPages):
    def changed(self, records):
        if any(len(one.payload) > 2**20 for one in records):
            raise ProtocolError("a record is too large")
        return records


# what changes without the vendor's timestamp


class ReadsNothingAgain(Broken):
    """Knows of no value that changes without the timestamp."""

    def streams(self):
        return [replace(one, silent=frozenset()) for one in self.whole.streams()]


class Rereading(Broken):
    """Offers what the one inside it offers beside the contract."""

    def reread(self, stream, window, keys):
        return self.inside.reread(stream, window, keys)

    def fetch(self, stream, records):
        return self.inside.fetch(stream, records)


class ReadsAgainWhatMoved(Rereading):
    """Reads again only what the timestamp tells of."""

    def reread(self, stream, window, keys):
        since = window.until - timedelta(seconds=1)
        return self.inside.reread(stream, replace(window, since=since), keys)


class ReadsAllOfItAgain(Rereading):
    def reread(self, stream, window, keys):
        return self.inside.read(stream, window)
