"""Audiences with their merge fields, and the members of all audiences.

Members are read by `last_changed`, oldest first, in a frozen window. The next request begins in the
second of the last row, without an offset. So an edit during the walk moves no row past the reader.
An offset is used only inside a second with more rows than a page. Mailchimp's lower bound is
exclusive and in whole seconds, so a request begins one second earlier. Archived members need their
own request, so each list is walked twice. A list that no window has covered yet is read from its
beginning; the watermark does not count. A list that is refused keeps its position in the cursor
(`behind`), and the next window reads it from there. Permanently deleted members are not reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from hub.clock import Clock
from hub.connectors.answers import Answer, decode
from hub.connectors.base import Change, Cursor, Finding, Glance, News, Page, Stream, Window
from hub.connectors.findings import failed, skipped, webhooks
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.mailchimp.client import MailchimpClient, MailchimpConfig, Rows
from hub.connectors.mailchimp.registration import Registration
from hub.connectors.mailchimp.walk import (
    NAMING,
    PHASES,
    Batch,
    Item,
    Place,
    Walk,
    bounds,
    is_before,
    is_same_page,
    is_within,
    step,
    walk_of,
)
from hub.connectors.own_webhooks import Registered, Wanted
from hub.connectors.parts import Containment, Turns, contained, dump_refused
from hub.connectors.windows import (
    after,
    inside,
    is_unfinished,
    iso,
    next_window,
    parse_time,
    upcoming,
)
from hub.errors import HubError, ProtocolError
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

_LISTS = Stream("lists", incremental=False, countable=False, context=True)
# Values that Mailchimp computes, and values with endpoints of their own. No documentation says that they
# move `last_changed` (https://mailchimp.com/developer/marketing/api/list-member-tags/,
# …/list-member-notes/). The same holds for GDPR and SMS permissions, which contacts change themselves.
_SILENT = frozenset({
    "tags", "member_rating", "location", "email_client", "stats", "last_note",
    "marketing_permissions", "sms_phone_number", "sms_subscription_status",
    "sms_subscription_last_updated",
})  # fmt: skip
# Nothing reports a member that was deleted permanently. A list's own values have no time.
_MEMBERS = Stream(
    "members",
    window_by="last_changed",
    silent=_SILENT,
    probed=frozenset({Change.CREATED, Change.UPDATED}),
)
STREAMS = (_LISTS, _MEMBERS)
_ASKS_IN_CIRCLES = 5
_ASKED_ONE_BY_ONE = 10
_LISTS_A_QUESTION = 20


class _List(msgspec.Struct):
    """An entry in the list of lists."""

    id: str = ""
    name: str = ""


class MailchimpConnector:
    """See `hub.connectors.base.Connector`.

    A member is its `contact_id`, which outlives a change of address. Members without any id come
    with `source_id` "" (landing quarantines them).
    """

    source = "mailchimp"

    def __init__(
        self,
        config: MailchimpConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._turns = Turns(_LISTS_A_QUESTION)
        self._client = MailchimpClient(config, clock, budget=budget, retry_policy=retry_policy)
        self._registration = Registration(self._client, config)

    def streams(self) -> Sequence[Stream]:
        """Return the lists before their members."""
        return [one for one in STREAMS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002  # one clock for all
        """Return the unfinished window, or freeze the next one by Mailchimp's clock."""
        return next_window(cursor, self._config, self._client.now)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; each read returns all lists."""
        if stream.name == _LISTS.name:
            return self._read_lists(window)
        return self._read_members(walk_of(window), window)

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:  # noqa: ARG002  # members only
        """Yield the members as `read` does, with these keys only: the `fields` of the request."""
        walk = replace(walk_of(window), keys=(*NAMING, *sorted(keys)))
        return self._read_members(walk, window)

    def fetch(self, stream: Stream, records: Sequence[RawRecord]) -> Sequence[RawRecord]:  # noqa: ARG002  # members only
        """Return the members with all their keys: a few one by one, many by the span they lie in.

        The records are those of one page, and so of one list and one phase.
        """
        items = [decode(one.payload, Item) for one in records]
        times = [one.at for one in records if one.at is not None]
        if len(items) <= _ASKED_ONE_BY_ONE or not times:
            answers = [
                self._client.member(one.list_id or "", one.contact_id or one.id or "")
                for one in items
            ]
            return [
                _record(one.list_id or "", decode(answer.body, Item), answer.body)
                for one, answer in zip(items, answers, strict=True)
                if answer is not None
            ]
        phase = "archived" if items[0].status == "archived" else ""
        walk = Walk(None, list_id=items[0].list_id or "", phase=phase)
        wanted = {one.source_id for one in records}
        span = self._walk_list(walk, min(times), max(times) + timedelta(seconds=1))
        return [one for page, _ in span for one in page if one.source_id in wanted]

    def read_named(self, stream: Stream, names: Sequence[str]) -> Sequence[RawRecord]:  # noqa: ARG002  # members only
        """Return members by their list and the digest of their address, one request for each."""
        wanted = set(self._config.lists)
        records: list[RawRecord] = []
        for name in names:
            list_id, _, digest = name.partition(":")
            if (wanted and list_id not in wanted) or _part(list_id) in self._config.skip:
                continue
            answer = self._client.member(list_id, digest)
            if answer is not None:
                records.append(_record(list_id, decode(answer.body, Item), answer.body))
        return records

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the members that changed in the span, archived ones too; None for lists."""
        if stream.name == _LISTS.name:
            return None
        total, parts = 0, Containment()
        for one in self._lists():
            try:
                for phase in PHASES:
                    answer = self._client.members(one, bounds(since, until, phase), most=1)
                    total += answer.count("total_items") if answer else 0
                parts.passed()
            except HubError as exc:  # the read has reported it
                parts.fault(_part(one), exc)
        parts.end()
        return total

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what changed in each list, archived members too: two requests a list.

        The list of lists is read first. So a list that is new to the hub is news.
        """
        cursor = cursors.get(_MEMBERS.name)
        if cursor is None or _MEMBERS not in self.streams():
            return News({})
        glance = Glance(is_certain=is_unfinished(cursor))
        if glance.is_certain:
            return News({_MEMBERS.name: glance})
        faults, asked_at, asked_n = [], None, 0 if self._config.lists else 1
        window = upcoming(cursor, self._config)
        walk, lists = walk_of(window), self._lists()
        for one in self._turns.take(lists):
            since = walk.since_for(one, window.since)
            if since is None and one not in walk.behind:
                glance = glance.with_more(Glance(is_certain=True))
                continue
            for phase in PHASES:
                asked_n += 1
                try:
                    params = bounds(since, None, phase)
                    answer = self._client.members(one, params, keys=NAMING)
                except HubError as exc:
                    faults.append(contained(_part(one), exc))
                    break
                if answer is not None:
                    asked_at = answer.present()
                    until = upcoming(cursor, self._config, asked_at).until
                    glance = glance.with_more(_glance(one, answer, since, until))
        turns = self._turns.needed(len(lists))
        return News({_MEMBERS.name: glance}, faults, asked_at, asked_n, turns)

    def check(self) -> Sequence[Finding]:
        """Check the key on the account, its lists, and the members of one list."""
        try:
            account = self._client.root().text("account_name")
            lists = self._lists()
        except HubError as exc:
            return [failed("account", exc)]
        findings = [Finding("account", ok=True, message=f"the key opens account {account}")]
        if not lists and not self._config.skip:
            hint = "make an audience, or a key of a user who may see one"
            return [*findings, Finding("lists", ok=False, message="no audience", hint=hint)]
        findings.append(Finding("lists", ok=True, message=f"{len(lists)} audiences"))
        findings.extend(self._check_list(one) for one in lists)
        findings.extend(skipped(self._config.skip))
        has_secret = bool(self._config.webhook_secret or self._config.signing_secret)
        return [*findings, webhooks(has_secret=has_secret)]

    def registered(self, wanted: Wanted) -> Mapping[str, Sequence[Registered]]:
        """Return the webhooks of each list; see `hub.connectors.own_webhooks.KeepsWebhooks`."""
        return {_part(one): self._registration.of_list(one, wanted) for one in self._lists()}

    def register(self, part: str, wanted: Wanted, mine: Registered | None) -> None:
        """Make or mend the hub's webhook of a list."""
        self._registration.write(part.removeprefix(_part("")), wanted, mine)

    def _check_list(self, list_id: str) -> Finding:
        try:
            answer = self._client.members(list_id, {}, most=1)
        except HubError as exc:
            return failed(_part(list_id), exc, source=self.source)
        if answer is None:
            hint = "take its id out of `lists`"
            return Finding(_part(list_id), ok=False, message="there is no such list", hint=hint)
        message = f"{answer.count('total_items')} members"
        return Finding(_part(list_id), ok=True, message=message)

    # lists

    def _read_lists(self, window: Window) -> Iterator[Page]:
        records, faults, parts = [], [], Containment()
        for list_id in self._lists():
            try:
                answer = self._client.one_list(list_id)
                fields = self._client.merge_fields(list_id)
            except HubError as exc:
                faults.append(parts.fault(_part(list_id), exc))
                continue
            parts.passed()
            if answer is None or fields is None:  # deleted since it was listed
                continue
            at = answer.text("date_created")
            payload = _with_merge_fields(answer, fields)
            records.append(RawRecord(list_id, Op.UPSERT, parse_time(at), at, payload))
        parts.end()
        yield Page(records, after(window), faults)

    def _lists(self) -> list[str]:
        """Return the ids of the lists to read, in order."""
        found = self._config.lists or self._listed()
        return [one for one in sorted(set(found)) if _part(one) not in self._config.skip]

    def _listed(self) -> set[str]:
        found: set[str] = set()
        offset = 0
        while True:
            answer = self._client.lists(offset)
            lists = [decode(raw, _List) for raw in answer.items("lists")]
            found.update(one.id for one in lists if one.id)
            offset += min(len(lists), answer.asked_n)
            if not lists or offset >= answer.count("total_items"):
                return found

    # members

    def _read_members(self, walk: Walk, window: Window) -> Iterator[Page]:
        parts = Containment()
        lists = self._lists()
        for list_id in lists:
            if list_id in walk.done:
                continue
            if list_id != walk.list_id:
                walk = replace(walk, list_id=list_id, phase="", place=Place())
            since = walk.since_for(list_id, window.since)
            is_begun = walk.phase != "" or walk.place != Place()
            try:
                for page in self._walk_phases(walk, since, window):
                    yield page
                    is_begun = True
            except HubError as exc:
                fault = parts.fault(_part(list_id), exc, is_begun=is_begun)
                walk = walk.past(list_id, since)
                yield Page([], inside(window, walk.position()), [fault])
                continue
            parts.passed()
            walk = walk.after(list_id)
        parts.end()
        done: list[JsonValue] = [*walk.done]
        behind = {one: walk.behind[one] for one in lists if one in walk.behind}
        yield Page([], after(window, {"known": done, **dump_refused(behind)}))

    def _walk_phases(self, walk: Walk, since: datetime | None, window: Window) -> Iterator[Page]:
        """Yield the pages of one list: its members, then its archived members."""
        for phase in PHASES[PHASES.index(walk.phase) :]:
            if phase != walk.phase:
                walk = replace(walk, phase=phase, place=Place())
            for records, place in self._walk_list(walk, since, window.until):
                yield Page(records, inside(window, replace(walk, place=place).position()))

    def _walk_list(
        self, walk: Walk, since: datetime | None, until: datetime
    ) -> Iterator[tuple[list[RawRecord], Place]]:
        """Yield the new records of each answer with the next position."""
        place: Place | None = walk.place
        idle_n = 0
        last: tuple[Place, Batch] | None = None
        while place is not None:
            # several pages may repeat known records before a new record comes
            if idle_n > _ASKS_IN_CIRCLES + len(place.seen):
                raise ProtocolError(
                    f"mailchimp list {walk.list_id}: the page from {iso(place.edge)} does not"
                    " advance",
                    hint="nothing was skipped; the next run goes on from the same place",
                )
            batch = self._next(walk, place, since, until)
            if batch is None:
                return
            if last is not None and is_same_page(*last, place, batch):
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
            place = step(walk.list_id, place, batch)
            if records:
                yield records, place or Place(edge=until)

    def _next(
        self, walk: Walk, place: Place, since: datetime | None, until: datetime
    ) -> Batch | None:
        lower = place.edge or since
        params = bounds(lower, until, walk.phase)
        answer = self._client.members(walk.list_id, params, offset=place.offset, keys=walk.keys)
        if answer is None:  # the list was deleted since it was listed
            return None
        items: dict[str, tuple[Item, bytes]] = {}
        raws = answer.items("members")
        early_n = 0
        for n, raw in enumerate(raws):
            item = decode(raw, Item)
            early_n += is_before(item, lower)
            if is_within(item, lower, until):
                items.setdefault(item.source_id(walk.list_id) or f"#{n}", (item, raw))
        return Batch(
            items=[item for item, _ in items.values()],
            raws=[raw for _, raw in items.values()],
            # the walk continues after an empty page
            step_n=min(len(raws) - early_n, answer.asked_n) if raws else answer.asked_n,
            asked_n=answer.asked_n,
            total=answer.count("total_items"),
        )


def _part(list_id: str) -> str:
    """Return the name of a list in messages and in the setting `skip`."""
    return f"lists/{list_id}"


def _record(list_id: str, item: Item, raw: bytes) -> RawRecord:
    return RawRecord(
        source_id=item.source_id(list_id),
        op=Op.UPSERT,
        at=parse_time(item.last_changed),
        version=item.last_changed or "",
        payload=raw,
    )


def _with_merge_fields(one: Answer, fields: Answer) -> bytes:
    """Return the list as received, with its merge fields as a further key."""
    found = fields.parts.get("merge_fields", msgspec.Raw(b"[]"))
    return msgspec.json.encode({**one.parts, "merge_fields": found})


def _glance(list_id: str, answer: Rows, since: datetime | None, until: datetime) -> Glance:
    items = [decode(raw, Item) for raw in answer.items("members")]
    after_lower = [one for one in items if not is_before(one, since)]
    due = [one for one in after_lower if is_within(one, since, until)]
    has_more = len(due) == len(after_lower) and len(items) < answer.count("total_items")
    return Glance([(one.source_id(list_id), one.last_changed or "") for one in due], has_more)
