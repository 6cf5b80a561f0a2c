"""Audiences with their merge fields, and the members of all audiences.

Members come by `last_changed`, oldest first, from a window that is frozen: the next request begins
in the second of the last row, without an offset, so that an edit during the walk moves nothing
past us; only inside a second that holds more rows than a page do we count on. Mailchimp's bound is
exclusive and its times have whole seconds: we ask from one second earlier. Archived members come
only if asked for, so each list is walked twice. A list that no window has covered yet is read
from its beginning, whatever the watermark. Members deleted for good leave no trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from hub.clock import Clock
from hub.connectors.base import Cursor, Finding, Page, Stream, Window
from hub.connectors.governor import Budget
from hub.connectors.mailchimp.client import MOST_ROWS, Answer, MailchimpClient, MailchimpConfig
from hub.connectors.slices import slice_list
from hub.connectors.windows import after, freeze, inside, iso, parse_time
from hub.errors import ConfigError, HubError, ProtocolError
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

_T = TypeVar("_T")
_LISTS = Stream("lists", incremental=False, countable=False, context=True)
_MEMBERS = Stream("members", window_by="last_changed")
STREAMS = (_LISTS, _MEMBERS)
_PHASES = ("", "archived")
_SECOND = timedelta(seconds=1)
_PAGES_OF_SEEN = 2
_ASKS_IN_CIRCLES = 5


class _List(msgspec.Struct):
    """An entry in the list of lists."""

    id: str = ""
    name: str = ""


class _Item(msgspec.Struct):
    """What we need to know of a member; the rest stays bytes."""

    id: str | None = None
    contact_id: str | None = None
    last_changed: str | None = None

    def source_id(self, list_id: str) -> str:
        """Return the id that survives another address; older answers have only the other one."""
        return self.contact_id or (f"{list_id}:{self.id}" if self.id else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk over one list, in one phase, stands.

    Args:
        edge: the second to begin in.
        offset: rows from there to leave out.
        total: rows from there on, when they were last counted.
        seen: ids from the edge on that were handed out.
    """

    edge: datetime | None = None
    offset: int = 0
    total: int | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where the walk over the lists stands."""

    known: frozenset[str] | None  # None: a bare span was asked for, and all lists keep to it
    done: tuple[str, ...] = ()
    list_id: str = ""
    phase: str = ""
    place: _Place = field(default_factory=_Place)

    def position(self) -> Mapping[str, JsonValue]:
        """Return what the cursor keeps."""
        place = self.place
        kept: dict[str, JsonValue] = {
            "done": [*self.done],
            "list": self.list_id,
            "phase": self.phase,
            "edge": iso(place.edge),
            "offset": place.offset,
            "total": place.total,
            "seen": [*place.seen],
        }
        if self.known is not None:
            kept["known"] = [*sorted(self.known)]
        return kept

    def since_for(self, list_id: str, since: datetime | None) -> datetime | None:
        """Return where the window begins for a list: nowhere if no window has covered it yet."""
        return since if self.known is None or list_id in self.known else None


@dataclass(frozen=True, slots=True)
class _Batch:
    """One answer of members, those outside the span and those sent twice left out.

    `step_n` is how many rows the answer takes us on. Rows from before the place that was asked
    for do not count: a page that comes for ever would be walked to the end, and records lost.
    """

    items: Sequence[_Item]
    raws: Sequence[bytes]
    step_n: int
    asked_n: int
    total: int


class MailchimpConnector:
    """See `hub.connectors.base.Connector`.

    A member is its `contact_id`, which outlives a change of address. Members without any id come
    with `source_id` "" (landing quarantines them).
    """

    source = "mailchimp"

    def __init__(
        self, config: MailchimpConfig, clock: Clock, *, budget: Budget | None = None
    ) -> None:
        self._config = config
        self._client = MailchimpClient(config, clock, budget=budget)

    def streams(self) -> Sequence[Stream]:
        """Return the lists before the members that are on them."""
        return STREAMS

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002  # one clock for all
        """Freeze the next window by Mailchimp's clock, or take up the unfinished one."""
        return freeze(
            cursor,
            vendor_now=self._client.now,
            lag_s=self._config.lag_s,
            overlap_s=self._config.overlap_s,
        )

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; the lists come whole each time."""
        if stream.name == _LISTS.name:
            return self._read_lists(window)
        return self._read_members(window)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the members that changed in the span, archived ones too; None for lists."""
        if stream.name == _LISTS.name:
            return None
        total = 0
        for one in self._lists():
            for phase in _PHASES:
                answer = self._client.members(one, _bounds(since, until, phase), most=1)
                total += _total(answer) if answer else 0
        return total

    def check(self) -> Sequence[Finding]:
        """Try the key on the account, its lists, and the members of one of them."""
        try:
            account = self._client.root().text("account_name")
            lists = self._lists()
        except HubError as exc:
            return [Finding("account", ok=False, message=exc.message, hint=exc.hint or "")]
        findings = [Finding("account", ok=True, message=f"the key opens account {account}")]
        if not lists:
            hint = "make an audience, or a key of a user who may see one"
            return [*findings, Finding("lists", ok=False, message="no audience", hint=hint)]
        findings.append(Finding("lists", ok=True, message=f"{len(lists)} audiences"))
        findings.extend(self._check_list(one) for one in lists)
        has_secret = bool(self._config.webhook_secret or self._config.signing_secret)
        hint = "" if has_secret else "webhooks are refused until one is set; polling works"
        message = "a webhook secret is set" if has_secret else "no webhook secret"
        return [*findings, Finding("webhooks", ok=True, message=message, hint=hint)]

    def _check_list(self, list_id: str) -> Finding:
        try:
            answer = self._client.members(list_id, {}, most=1)
        except HubError as exc:
            return Finding("members", ok=False, message=exc.message, hint=exc.hint or "")
        if answer is None:
            hint = "take its id out of `lists`"
            return Finding("members", ok=False, message=f"there is no list {list_id}", hint=hint)
        return Finding("members", ok=True, message=f"{_total(answer)} members on list {list_id}")

    # lists

    def _read_lists(self, window: Window) -> Iterator[Page]:
        records = []
        for list_id in self._lists():
            answer = self._client.one_list(list_id)
            fields = self._client.merge_fields(list_id)
            if answer is None or fields is None:  # deleted since it was listed
                continue
            at = answer.text("date_created")
            payload = _with_merge_fields(answer, fields)
            records.append(RawRecord(list_id, Op.UPSERT, parse_time(at), at, payload))
        yield Page(records, after(window))

    def _lists(self) -> list[str]:
        """Return the ids of the lists to read, in order."""
        if self._config.lists:
            return sorted(set(self._config.lists))
        found: set[str] = set()
        offset = 0
        while True:
            answer = self._client.lists(offset)
            lists = [_decode(raw, _List) for raw in _slices(answer, "lists")]
            found.update(one.id for one in lists if one.id)
            offset += min(len(lists), answer.asked_n)
            if not lists or offset >= _total(answer):
                return sorted(found)

    # members

    def _read_members(self, window: Window) -> Iterator[Page]:
        walk = _walk_of(window)
        for list_id in self._lists():
            if list_id in walk.done:
                continue
            if list_id != walk.list_id:
                walk = replace(walk, list_id=list_id, phase="", place=_Place())
            since = walk.since_for(list_id, window.since)
            for phase in _PHASES[_PHASES.index(walk.phase) :]:
                if phase != walk.phase:
                    walk = replace(walk, phase=phase, place=_Place())
                for records, place in self._walk_list(walk, since, window.until):
                    yield Page(records, inside(window, replace(walk, place=place).position()))
            walk = _Walk(walk.known, (*walk.done, list_id))
        done: list[JsonValue] = [*walk.done]
        yield Page([], after(window, {"known": done}))

    def _walk_list(
        self, walk: _Walk, since: datetime | None, until: datetime
    ) -> Iterator[tuple[list[RawRecord], _Place]]:
        """Yield the new records of each answer with the place to go on from."""
        place: _Place | None = walk.place
        idle_n = 0
        last: tuple[_Place, _Batch] | None = None
        while place is not None:
            # what was seen may be read once more, page by page, before there is news
            if idle_n > _ASKS_IN_CIRCLES + len(place.seen):
                raise ProtocolError(
                    f"mailchimp list {walk.list_id}: the page from {iso(place.edge)} does not"
                    " advance",
                    hint="nothing was skipped; the next run goes on from the same place",
                )
            batch = self._next(walk, place, since, until)
            if batch is None:
                return
            if last is not None and _is_same_page(*last, place, batch):
                idle_n += 1
                continue
            last = place, batch
            seen = set(place.seen)
            records = [
                _record(walk.list_id, item, raw)
                for item, raw in zip(batch.items, batch.raws, strict=True)
                if item.source_id(walk.list_id) not in seen
            ]
            has_moved = place.total not in {None, batch.total}
            idle_n = 0 if records or has_moved else idle_n + 1
            place = _step(walk.list_id, place, batch)
            if records:
                yield records, place or _Place(edge=until)

    def _next(
        self, walk: _Walk, place: _Place, since: datetime | None, until: datetime
    ) -> _Batch | None:
        lower = place.edge or since
        params = _bounds(lower, until, walk.phase)
        answer = self._client.members(walk.list_id, params, offset=place.offset)
        if answer is None:  # the list was deleted since it was listed
            return None
        items: dict[str, tuple[_Item, bytes]] = {}
        raws = _slices(answer, "members")
        early_n = 0
        for n, raw in enumerate(raws):
            item = _decode(raw, _Item)
            early_n += _is_before(item, lower)
            if _is_within(item, lower, until):
                items.setdefault(item.source_id(walk.list_id) or f"#{n}", (item, raw))
        return _Batch(
            items=[item for item, _ in items.values()],
            raws=[raw for _, raw in items.values()],
            # an empty page is stepped over
            step_n=min(len(raws) - early_n, answer.asked_n) if raws else answer.asked_n,
            asked_n=answer.asked_n,
            total=_total(answer),
        )


def _step(list_id: str, place: _Place, batch: _Batch) -> _Place | None:
    """Return where to go on, None at the end.

    Past a page's last second there is no offset. Inside it we count on; rows that left the window
    meanwhile moved the others forward, and so many are read again.
    """
    got_n = min(len(batch.items), batch.asked_n)
    gone_n = max((place.total or 0) - batch.total, 0) if place.offset else 0
    if not gone_n and place.offset + got_n >= batch.total:
        return None
    times = [parse_time(item.last_changed) for item in batch.items]
    last = times[-1] if times else None
    is_past = last is not None and (place.edge is None or last > place.edge)
    if is_past and not gone_n and _is_ascending(times):
        seen = [
            item.source_id(list_id)
            for item, at in zip(batch.items, times, strict=True)
            if at == last
        ]
        return _Place(edge=last, seen=tuple(seen))
    seen = [*place.seen, *(item.source_id(list_id) for item in batch.items)]
    return _Place(
        edge=place.edge,
        offset=max(place.offset - gone_n, 0) if gone_n else place.offset + batch.step_n,
        total=batch.total,
        seen=tuple(dict.fromkeys(seen))[-_PAGES_OF_SEEN * MOST_ROWS :],
    )


def _is_same_page(before: _Place, got: _Batch, place: _Place, batch: _Batch) -> bool:
    """Tell whether the vendor gave the rows of one offset again at another."""
    is_elsewhere = place.edge == before.edge and place.offset != before.offset
    has_rows = bool(batch.raws) and batch.total == got.total
    return is_elsewhere and has_rows and batch.raws == got.raws


def _is_ascending(times: Sequence[datetime | None]) -> bool:
    known = [at for at in times if at is not None]
    return len(known) == len(times) and known == sorted(known)


def _bounds(since: datetime | None, until: datetime, phase: str) -> dict[str, str]:
    """Return the span as Mailchimp takes it: both ends exclusive, to the second, spelled +00:00."""
    bounds = {"before_last_changed": _spelled(_next_whole(until))}
    if since is not None:
        bounds["since_last_changed"] = _spelled(_next_whole(since) - _SECOND)
    if phase:
        bounds["status"] = phase
    return bounds


def _next_whole(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND


def _spelled(moment: datetime) -> str:
    return (iso(moment) or "").replace("Z", "+00:00")


def _walk_of(window: Window) -> _Walk:
    resume = window.resume
    offset, total, phase = (resume.get(key) for key in ("offset", "total", "phase"))
    if phase not in {None, *_PHASES}:
        raise ConfigError(
            "the stored cursor cannot be read", hint="start over with `hub sync --full`"
        )
    return _Walk(
        known=frozenset(_texts(resume["known"])) if "known" in resume else None,
        done=tuple(_texts(resume.get("done"))),
        list_id=str(resume.get("list") or ""),
        phase=str(phase or ""),
        place=_Place(
            edge=parse_time(resume.get("edge")),
            offset=offset if isinstance(offset, int) else 0,
            total=total if isinstance(total, int) else None,
            seen=tuple(_texts(resume.get("seen"))),
        ),
    )


def _texts(value: JsonValue) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _slices(answer: Answer, key: str) -> list[bytes]:
    try:
        return slice_list(answer.body, key)
    except ValueError as exc:
        raise ProtocolError(f"mailchimp: the answer has no {key}") from exc


def _total(answer: Answer) -> int:
    total = answer.number("total_items")
    if total is None:
        raise ProtocolError("mailchimp: the answer carries no total_items")
    return total


def _decode(raw: bytes, kind: type[_T]) -> _T:
    """Return what could be read of an item; one of another shape becomes one without an id."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        return kind()


def _is_within(item: _Item, since: datetime | None, until: datetime) -> bool:
    at = parse_time(item.last_changed)
    return at is None or ((since is None or at >= since) and at < until)


def _is_before(item: _Item, since: datetime | None) -> bool:
    """Tell whether a row lies before a span's first second."""
    at = parse_time(item.last_changed)
    return at is not None and since is not None and at < since.replace(microsecond=0)


def _record(list_id: str, item: _Item, raw: bytes) -> RawRecord:
    return RawRecord(
        source_id=item.source_id(list_id),
        op=Op.UPSERT,
        at=parse_time(item.last_changed),
        version=item.last_changed or "",
        payload=raw,
    )


def _with_merge_fields(one: Answer, fields: Answer) -> bytes:
    """Return the list as received, its merge fields among its own keys."""
    found = fields.parts.get("merge_fields", msgspec.Raw(b"[]"))
    return msgspec.json.encode({**one.parts, "merge_fields": found})
