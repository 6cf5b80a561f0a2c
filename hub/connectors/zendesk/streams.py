"""Organizations, users and tickets.

Users and tickets are read with the incremental cursor exports. The first request has `start_time`;
all later ones have the cursor of the last answer. Zendesk leaves out changes of the last minute, so
no row that commits late is missed. The export is ordered by `generated_timestamp`, which also moves
where `updated_at` does not. It cannot be bounded or counted. A read ends at the end of the stream,
or after the page that passes the window's end; all records of that page are kept.
https://developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from hub.clock import Clock
from hub.connectors.answers import check_token, decode
from hub.connectors.base import Change, Cursor, Finding, Glance, News, Page, Stream, Window
from hub.connectors.findings import failed, skipped, webhooks
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.own_webhooks import Registered, Wanted
from hub.connectors.parts import contained
from hub.connectors.windows import after, freeze, inside, is_unfinished, parse_time
from hub.connectors.zendesk.client import ZendeskClient, ZendeskConfig
from hub.connectors.zendesk.registration import ACCOUNT, Registration
from hub.errors import HubError, ProtocolError
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

_ORGANIZATIONS = Stream(
    "organizations",
    incremental=False,
    countable=False,
    context=True,
    bounded=False,
    names_survivors=False,
)
_USERS = Stream(
    "users",
    countable=False,
    reports_deletes=True,
    volatile=frozenset({"last_login_at"}),
    window_by="updated_at",
    bounded=False,
    names_survivors=False,
    probed=frozenset(Change),
)
_TICKETS = Stream(
    "tickets",
    countable=False,
    reports_deletes=True,
    volatile=frozenset({"generated_timestamp"}),
    window_by="generated_timestamp",
    bounded=False,
    names_survivors=False,
    probed=frozenset(Change),
)
STREAMS = (_ORGANIZATIONS, _USERS, _TICKETS)
_MOST_EXPORTED, _MOST_LISTED = 1000, 100
_ASKS_FOR_A_PAGE = 3
_GLANCED = 100
_Place = Mapping[str, JsonValue]


class _Item(msgspec.Struct):
    """The keys of a record that the connector reads; the payload itself stays bytes."""

    id: int | str | None = None
    updated_at: str | None = None
    generated_timestamp: int | float | None = None
    status: str | None = None
    active: bool | None = None
    permanently_deleted: bool | None = None

    @property
    def at(self) -> datetime | None:
        """Return the time that the export is ordered by."""
        stamp = self.generated_timestamp
        if stamp is not None:
            try:
                return datetime.fromtimestamp(stamp, UTC)
            except (ValueError, OverflowError, OSError):
                return parse_time(self.updated_at)
        return parse_time(self.updated_at)

    @property
    def is_gone(self) -> bool:
        """Return whether the ticket was deleted, or the user was deleted or merged into another."""
        return self.status == "deleted" or self.active is False or bool(self.permanently_deleted)


@dataclass(frozen=True, slots=True)
class _Batch:
    """One answer of records, the cursor after it, and whether it is the last."""

    records: Sequence[RawRecord]
    cursor: str
    is_last: bool


class ZendeskConnector:
    """See `hub.connectors.base.Connector`.

    Records without an id come with `source_id` "" (landing quarantines them).
    """

    source = "zendesk"

    def __init__(
        self,
        config: ZendeskConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._page_size = min(max(config.page_size, 1), _MOST_EXPORTED)
        self._client = ZendeskClient(config, clock, budget=budget, retry_policy=retry_policy)
        self._registration = Registration(self._client, config)

    def streams(self) -> Sequence[Stream]:
        """Return organizations before users, and users before their tickets."""
        return [one for one in STREAMS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Freeze the time up to which the next read goes at least; the cursor has its beginning."""
        frozen = freeze(cursor, vendor_now=self._client.now, lag_s=self._config.lag_s, overlap_s=0)
        if "window" not in (cursor or {}) and not stream.incremental:
            return replace(frozen, since=None, resume={})
        return replace(frozen, since=None)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; within one read an older state never follows a newer one."""
        after_cursor = str(window.resume.get("after") or "")
        newest: dict[str, datetime] = {}
        while True:
            batch = self._next(stream, window, after_cursor)
            records = _in_order(batch.records, newest)
            place: dict[str, JsonValue] = {"after": batch.cursor or after_cursor}
            if batch.is_last or (stream.incremental and _is_past(batch.records, window.until)):
                yield Page(records, after(window, place if stream.incremental else None))
                return
            yield Page(records, inside(window, place))
            after_cursor = batch.cursor

    def read_named(self, stream: Stream, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return objects by their ids: one request for a hundred, and one for each user that is gone.

        A deleted ticket is in no answer but the export's.
        https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#show-multiple-tickets
        """
        records: list[RawRecord] = []
        for start in range(0, len(names), _MOST_LISTED):
            some = names[start : start + _MOST_LISTED]
            answer = self._client.get(f"/{stream.name}/show_many.json", {"ids": ",".join(some)})
            records += [to_record(raw) for raw in answer.items(stream.name)]
            if stream.name == _USERS.name:
                known = {record.source_id for record in records}
                records += self._gone_users([one for one in some if one not in known])
        return records

    def _gone_users(self, ids: Sequence[str]) -> list[RawRecord]:
        """Return users that were deleted or merged: they can be read one by one, and are inactive."""
        answers = [self._client.find(f"/users/{quote(one, safe='')}.json") for one in ids]
        found = [answer.parts.get("user") for answer in answers if answer is not None]
        return [to_record(bytes(raw)) for raw in found if raw is not None]

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:  # noqa: ARG002  # nothing can be counted
        """Return None: the export has no count, and those of lists leave archived tickets out."""
        return None

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what each export has after its cursor; an export is the question and the answer.

        The list of organizations has neither a cursor nor an order by time, so nothing is asked of it.
        """
        glances: dict[str, Glance] = {}
        faults, asked_at, asked_n = [], None, 0
        for stream in self.streams():
            cursor = cursors.get(stream.name, {})
            after_cursor = str(cursor.get("after") or "")
            if is_unfinished(cursor) and stream.probed:
                glances[stream.name] = Glance(is_certain=True)
            elif after_cursor and stream.probed:
                asked_n += 1
                try:
                    answer = self._client.get(
                        _export_path(stream), {"per_page": _GLANCED, "cursor": after_cursor}
                    )
                except HubError as exc:
                    faults.append(contained(stream.part, exc))
                    continue
                records = [to_record(raw) for raw in answer.items(stream.name)]
                seen = [(one.source_id, one.version) for one in records]
                is_more = answer.value("end_of_stream") is False
                glances[stream.name] = Glance(seen, is_certain=is_more)
                asked_at = answer.present()
        return News(glances, faults, asked_at, asked_n)

    def check(self) -> Sequence[Finding]:
        """Check the token on the account, and its right to use both exports."""
        findings = []
        try:
            self._client.now()
            findings.append(Finding("account", ok=True, message="the token is accepted"))
        except HubError as exc:
            return [failed("account", exc)]
        findings.extend(self._check_stream(stream) for stream in self.streams())
        findings.extend(skipped(self._config.skip))
        return [*findings, webhooks(has_secret=bool(self._config.webhook_secret))]

    def registered(self, wanted: Wanted) -> Mapping[str, Sequence[Registered]]:
        """Return the webhooks of the account; see `hub.connectors.own_webhooks.KeepsWebhooks`."""
        return {ACCOUNT: self._registration.every(wanted)}

    def register(self, part: str, wanted: Wanted, mine: Registered | None) -> None:  # noqa: ARG002  # one part
        """Make or mend the hub's webhook."""
        self._registration.write(wanted, mine)

    def _check_stream(self, stream: Stream) -> Finding:
        try:
            if stream.incremental:
                start: dict[str, str | int] = {"start_time": self._start(), "per_page": 1}
                self._client.get(_export_path(stream), start)
            else:
                self._client.get(f"/{stream.name}.json", {"page[size]": 1})
        except HubError as exc:
            return failed(stream.name, exc, source=self.source)
        return Finding(stream.name, ok=True, message=f"{stream.name} can be read")

    def _next(self, stream: Stream, window: Window, after_cursor: str) -> _Batch:
        """Return the next answer; an answer whose cursor does not move is asked again."""
        for _ in range(_ASKS_FOR_A_PAGE):
            batch = self._ask(stream, window, after_cursor)
            if batch.is_last or batch.cursor not in {"", after_cursor}:
                return batch
        raise ProtocolError(
            f"zendesk {stream.name}: the cursor does not advance and the stream does not end",
            hint="nothing was skipped; the next run goes on from the same place",
        )

    def _ask(self, stream: Stream, window: Window, after_cursor: str) -> _Batch:
        if not stream.incremental:
            return self._ask_list(stream, after_cursor)
        params: dict[str, str | int] = {"per_page": self._page_size}
        if after_cursor:
            params["cursor"] = after_cursor
        else:
            params["start_time"] = self._start(window.since)
        answer = self._client.get(_export_path(stream), params)
        end = answer.value("end_of_stream")
        if not isinstance(end, bool):
            raise ProtocolError(f"zendesk {stream.name}: the answer says no end_of_stream")
        records = [to_record(raw) for raw in answer.items(stream.name)]
        return _Batch(records, answer.token("after_cursor"), end)

    def _ask_list(self, stream: Stream, after_cursor: str) -> _Batch:
        params: dict[str, str | int] = {"page[size]": min(self._page_size, _MOST_LISTED)}
        if after_cursor:
            params["page[after]"] = after_cursor
        answer = self._client.get(f"/{stream.name}.json", params)
        meta = answer.value("meta")
        if not isinstance(meta, Mapping) or not isinstance(meta.get("has_more"), bool):
            raise ProtocolError(f"zendesk {stream.name}: the answer says no has_more")
        # the last page may have a cursor too, so only has_more marks the end
        records = [to_record(raw) for raw in answer.items(stream.name)]
        return _Batch(
            records,
            check_token(meta.get("after_cursor"), where=f"zendesk {stream.name}: after_cursor"),
            not meta["has_more"],
        )

    def _start(self, since: datetime | None = None) -> int:
        start = since or self._config.start_at
        return int(start.timestamp()) if start else 0


def _export_path(stream: Stream) -> str:
    return f"/incremental/{stream.name}/cursor.json"


def to_record(raw: bytes) -> RawRecord:
    """Return an object of any stream as a raw record; one of another shape has no id."""
    item = decode(raw, _Item)
    stamp = item.generated_timestamp
    return RawRecord(
        source_id="" if item.id is None else str(item.id),
        op=Op.DELETE if item.is_gone else Op.UPSERT,
        at=item.at,
        version=str(stamp) if stamp is not None else item.updated_at or "",
        payload=raw,
    )


def _in_order(records: Sequence[RawRecord], newest: dict[str, datetime]) -> list[RawRecord]:
    """Return the last state of each record, without states older than the yielded ones.

    Args:
        records: of one answer.
        newest: times of the states that this read has yielded, by id; the function updates them.
    """
    kept: dict[str, RawRecord] = {}
    loose = []
    for record in records:
        if not record.source_id or record.at is None:
            loose.append(record)
            continue
        known = newest.get(record.source_id)
        if known is not None and record.at < known:
            continue
        newest[record.source_id] = record.at
        kept[record.source_id] = record
    return [*kept.values(), *loose]


def _is_past(records: Sequence[RawRecord], until: datetime) -> bool:
    return any(record.at is not None and record.at >= until for record in records)
