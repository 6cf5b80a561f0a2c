"""Form definitions, and the completed responses of all forms.

Responses come newest first. The first request of a form has the window's bounds. The next requests
have only `before=<token of the last response>`, because Typeform does not promise to honour both.
The connector ends the walk at the first response below the window. The watermark moves after all
forms were walked; until then the cursor has the form and the token. A form that no window has
covered yet (new, or newly shared with the token) is read from its beginning; no watermark counts.
A form that is refused keeps its position in the cursor (`behind`), and the next window reads it
from there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from hub.clock import Clock
from hub.connectors.answers import Answer, decode
from hub.connectors.base import (
    Change,
    Cursor,
    Finding,
    Glance,
    News,
    Page,
    PartFault,
    Stream,
    Window,
)
from hub.connectors.findings import failed, skipped, webhooks
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.own_webhooks import Registered, Wanted
from hub.connectors.parts import Containment, Turns, contained, dump_refused
from hub.connectors.typeform.client import TypeformClient, TypeformConfig
from hub.connectors.typeform.registration import Registration
from hub.connectors.typeform.walk import Walk, walk_of
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

_FORMS = Stream(
    "forms",
    countable=False,
    context=True,
    window_by="last_updated_at",
    probed=frozenset({Change.CREATED, Change.UPDATED}),
)
# an answer that was sent does not change, and nothing reports one that was deleted
_RESPONSES = Stream("responses", window_by="submitted_at", probed=frozenset({Change.CREATED}))
STREAMS = (_FORMS, _RESPONSES)
_FORMS_A_LIST = 200
_FORMS_A_PAGE = 20
_FORMS_A_QUESTION = 20
_MOST_ROWS = 1000
_ASKS_FOR_A_PAGE = 3
_UNFINISHED = frozenset({"partial", "started"})
_SECOND = timedelta(seconds=1)


class _Form(msgspec.Struct):
    """An entry in the list of forms."""

    id: str = ""
    last_updated_at: str = ""


class _Item(msgspec.Struct):
    """The keys of a response that the connector reads; the payload itself stays bytes."""

    token: str | None = None
    response_id: str | None = None
    response_type: str | None = None
    submitted_at: str | None = None
    landed_at: str | None = None


@dataclass(slots=True)
class _Seen:
    """Tokens that the walk has seen; it uses them to detect a loop."""

    last: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Batch:
    """One answer of responses."""

    items: Sequence[_Item]
    raws: Sequence[bytes]
    total: int | None
    pages_left: int | None


class TypeformConnector:
    """See `hub.connectors.base.Connector`.

    Responses without a token come with `source_id` "" (landing quarantines them).
    """

    source = "typeform"

    def __init__(
        self,
        config: TypeformConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._turns = Turns(_FORMS_A_QUESTION)
        self._page_size = min(max(config.page_size, 1), _MOST_ROWS)
        self._client = TypeformClient(config, clock, budget=budget, retry_policy=retry_policy)
        self._registration = Registration(self._client, config)

    def streams(self) -> Sequence[Stream]:
        """Return the definitions before the responses, whose mapping needs them."""
        return [one for one in STREAMS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002  # one clock for all
        """Return the unfinished window, or freeze the next one by Typeform's clock."""
        return next_window(cursor, self._config, self._client.now)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; a form definition is read if it changed in the window or is new to the hub."""
        if stream.name == _FORMS.name:
            return self._read_forms(window)
        return self._read_responses(window)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the completed responses in the span over all forms; None for definitions."""
        if stream.name == _FORMS.name:
            return None
        total, parts = 0, Containment()
        for form in self._forms():
            params = {"page_size": 1, **_bounds(since, until)}
            try:
                answer = self._client.find(_responses_path(form.id), params)
                total += answer.count("total_items") if answer else 0
                parts.passed()
            except HubError as exc:  # the read has reported it
                parts.fault(_part(form.id), exc)
        parts.end()
        return total

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what the list of forms and the newest responses of each form show.

        A form that is refused is left out of the definitions: its place in the list would be news for
        ever. Its responses are asked for again.
        """
        wanted = {one.name: cursors[one.name] for one in self.streams() if one.name in cursors}
        glances = {
            name: Glance(is_certain=True) for name, at in wanted.items() if is_unfinished(at)
        }
        if glances or not wanted:
            return News(glances)
        forms = self._forms()
        faults, asked_at, asked_n = [], None, 1
        if _FORMS.name in wanted:
            glances[_FORMS.name] = self._glance_of_forms(forms, wanted[_FORMS.name])
        if _RESPONSES.name in wanted:
            cursor = wanted[_RESPONSES.name]
            glance, window = Glance(), upcoming(cursor, self._config)
            walk = walk_of(window)
            for form in self._turns.take([form.id for form in forms]):
                since = walk.since_for(form, window.since)
                if since is None and form not in walk.behind:
                    glance = glance.with_more(Glance(is_certain=True))
                    continue
                asked_n += 1
                try:
                    answer = self._client.find(_responses_path(form), self._glance_params(since))
                except HubError as exc:
                    faults.append(contained(_part(form), exc))
                    continue
                if answer is not None:
                    asked_at = answer.present()
                    until = upcoming(cursor, self._config, asked_at).until
                    glance = glance.with_more(_glance(form, answer, since, until))
            glances[_RESPONSES.name] = glance
        turns = self._turns.needed(len(forms))
        return News(glances, faults, asked_at, asked_n, turns)

    def _glance_of_forms(self, forms: Sequence[_Form], cursor: Cursor) -> Glance:
        window = upcoming(cursor, self._config)
        walk = walk_of(window)
        return Glance(
            [
                (form.id, form.last_updated_at)
                for form in forms
                if form.id not in walk.behind
                and _is_due(form, walk.since_for(form.id, window.since))
            ]
        )

    def _glance_params(self, since: datetime | None) -> Mapping[str, str | int]:
        lower: dict[str, str | int] = {"since": iso(_whole(since)) or ""} if since else {}
        return {"page_size": self._page_size, **lower}

    def check(self) -> Sequence[Finding]:
        """Check the token on the list of forms and on the responses of one form."""
        try:
            forms = self._forms()
        except HubError as exc:
            return [failed("forms", exc)]
        if not forms and not self._config.skip:
            hint = "share a workspace with the token's user, or set `forms`"
            return [Finding("forms", ok=False, message="the token sees no form", hint=hint)]
        findings = [Finding("forms", ok=True, message=f"{len(forms)} forms")]
        findings.extend(self._check_form(form) for form in forms)
        findings.extend(skipped(self._config.skip))
        return [*findings, webhooks(has_secret=bool(self._config.webhook_secret))]

    def registered(self, wanted: Wanted) -> Mapping[str, Sequence[Registered]]:  # noqa: ARG002  # the tag tells
        """Return the webhooks of each form; see `hub.connectors.own_webhooks.KeepsWebhooks`."""
        return {_part(one.id): self._registration.of_form(one.id) for one in self._forms()}

    def register(self, part: str, wanted: Wanted, mine: Registered | None) -> None:
        """Make or mend the hub's webhook of a form."""
        self._registration.write(part.removeprefix(_part("")), wanted, mine)

    def _check_form(self, form: _Form) -> Finding:
        try:
            answer = self._client.find(_responses_path(form.id), {"page_size": 1})
        except HubError as exc:
            return failed(_part(form.id), exc, source=self.source)
        total = answer.number("total_items") if answer else None
        if total is None:
            hint = "take its id out of `forms`"
            return Finding(_part(form.id), ok=False, message="there is no such form", hint=hint)
        return Finding(_part(form.id), ok=True, message=f"{total} responses")

    # definitions

    def _read_forms(self, window: Window) -> Iterator[Page]:
        walk = walk_of(window)
        everything = self._forms()
        due = [
            one
            for one in everything
            if one.id > walk.form and _is_due(one, walk.since_for(one.id, window.since))
        ]
        parts = Containment()
        for start in range(0, len(due) - _FORMS_A_PAGE, _FORMS_A_PAGE):
            chunk = due[start : start + _FORMS_A_PAGE]
            records, faults, walk = self._definitions(chunk, walk, window.since, parts)
            position = {**walk.position(), "form": chunk[-1].id}
            yield Page(records, inside(window, position), faults)
        rest = due[(len(due) - 1) // _FORMS_A_PAGE * _FORMS_A_PAGE :] if due else []
        records, faults, walk = self._definitions(rest, walk, window.since, parts)
        parts.end()
        known: list[JsonValue] = [one.id for one in everything]
        behind = {one.id: walk.behind[one.id] for one in everything if one.id in walk.behind}
        yield Page(records, after(window, {"known": known, **dump_refused(behind)}), faults)

    def _definitions(
        self, forms: Sequence[_Form], walk: Walk, since: datetime | None, parts: Containment
    ) -> tuple[list[RawRecord], list[PartFault], Walk]:
        records, faults = [], []
        for form in forms:
            try:
                answer = self._client.find(f"/forms/{quote(form.id, safe='')}")
            except HubError as exc:
                faults.append(parts.fault(_part(form.id), exc))
                walk = walk.past(form.id, walk.since_for(form.id, since))
                continue
            parts.passed()
            walk = walk.caught_up(form.id)
            if answer is None:  # deleted since it was listed
                continue
            at = form.last_updated_at
            records.append(RawRecord(form.id, Op.UPSERT, parse_time(at), at, answer.body))
        return records, faults, walk

    def _forms(self) -> list[_Form]:
        """Return the forms to read, by id; a configured form is read even if the list lacks it."""
        listed = {form.id: form for form in self._listed() if form.id}
        chosen = set(self._config.forms or listed)
        wanted = [one for one in sorted(chosen) if _part(one) not in self._config.skip]
        return [listed.get(one, _Form(one)) for one in wanted]

    def _listed(self) -> Iterator[_Form]:
        page = 1
        while True:
            answer = self._client.get("/forms", {"page": page, "page_size": _FORMS_A_LIST})
            forms = [decode(raw, _Form) for raw in answer.items("items")]
            yield from forms
            pages = answer.number("page_count")
            if not forms or (pages is not None and page >= pages):
                return
            page += 1

    # responses

    def _read_responses(self, window: Window) -> Iterator[Page]:
        walk, parts = walk_of(window), Containment()
        forms = self._forms()
        for form in forms:
            if form.id in walk.done:
                continue
            before = walk.before if form.id == walk.form else ""
            since = walk.since_for(form.id, window.since)
            is_begun = bool(before)
            try:
                for records, token in self._walk_form(form.id, since, window.until, before):
                    at = replace(walk, form=form.id, before=token)
                    yield Page(records, inside(window, at.position()))
                    is_begun = True
            except HubError as exc:
                fault = parts.fault(_part(form.id), exc, is_begun=is_begun)
                walk = walk.past(form.id, since)
                yield Page([], inside(window, walk.position()), [fault])
                continue
            parts.passed()
            walk = walk.after(form.id)
        parts.end()
        done: list[JsonValue] = [*walk.done]
        behind = {one.id: walk.behind[one.id] for one in forms if one.id in walk.behind}
        yield Page([], after(window, {"known": done, **dump_refused(behind)}))

    def _walk_form(
        self, form_id: str, since: datetime | None, until: datetime, before: str
    ) -> Iterator[tuple[list[RawRecord], str]]:
        """Yield the records of each answer with the token that the next request starts from."""
        seen = _Seen({before} if before else set())
        while True:
            batch = self._next(form_id, since, until, before, seen)
            if batch is None:
                return
            records = [
                _record(form_id, item, raw)
                for item, raw in zip(batch.items, batch.raws, strict=True)
                if _is_wanted(item, since, until)
            ]
            token = _last_token(batch.items)
            if records:
                yield records, token or before
            if not token or self._is_last(batch, since, is_first=not before):
                return
            before = token

    def _next(
        self, form_id: str, since: datetime | None, until: datetime, before: str, seen: _Seen
    ) -> _Batch | None:
        """Return the next answer; a repeated answer is asked again."""
        params: dict[str, str | int] = {"page_size": self._page_size}
        params.update({"before": before} if before else _bounds(since, until))
        for _ in range(_ASKS_FOR_A_PAGE):
            answer = self._client.find(_responses_path(form_id), params)
            if answer is None:  # the form was deleted since it was listed
                return None
            raws = answer.items("items")
            items = [decode(raw, _Item) for raw in raws]
            token = _last_token(items)
            if not token or token not in seen.last:
                seen.last.add(token)
                total, pages = answer.number("total_items"), answer.number("page_count")
                return _Batch(items, raws, total, pages)
        raise ProtocolError(
            f"typeform form {form_id}: the page before token {before} does not advance",
            hint="nothing was skipped; the next run goes on from the same place",
        )

    def _is_last(self, batch: _Batch, since: datetime | None, *, is_first: bool) -> bool:
        """Return whether the walk ends: an empty page, the last page, or only records below the window."""
        times = [_time(item) for item in batch.items]
        if since and times and all(at is not None and at < since for at in times):
            return True
        if len(batch.items) >= self._page_size:
            return False
        if not batch.items:
            return True
        if is_first and batch.total is not None:
            return len(batch.items) >= batch.total
        return batch.pages_left is None or batch.pages_left <= 1


def _part(form_id: str) -> str:
    """Return the name of a form in messages and in the setting `skip`."""
    return f"forms/{form_id}"


def _responses_path(form_id: str) -> str:
    return f"/forms/{quote(form_id, safe='')}/responses"


def _bounds(since: datetime | None, until: datetime) -> dict[str, str | int]:
    """Return the window as Typeform's parameters: both ends inclusive, whole seconds."""
    lower: dict[str, str | int] = {"since": iso(_whole(since)) or ""} if since else {}
    return {**lower, "until": iso(_whole(until) - _SECOND) or ""}


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _is_due(form: _Form, since: datetime | None) -> bool:
    """Return whether the definition may have changed in the window; true without a date."""
    at = parse_time(form.last_updated_at)
    return at is None or since is None or at >= since


def _time(item: _Item) -> datetime | None:
    return parse_time(item.submitted_at) or parse_time(item.landed_at)


def _is_wanted(item: _Item, since: datetime | None, until: datetime) -> bool:
    if item.response_type in _UNFINISHED:  # these still change and have no submitted_at
        return False
    at = _time(item)
    return at is None or ((since is None or at >= since) and at < until)


def _last_token(items: Sequence[_Item]) -> str:
    tokens = (item.token or item.response_id for item in reversed(items))
    return next((token for token in tokens if token), "")


def _record(form_id: str, item: _Item, raw: bytes) -> RawRecord:
    token = item.token or item.response_id
    return RawRecord(
        source_id=f"{form_id}:{token}" if token else "",
        op=Op.UPSERT,
        at=_time(item),
        version=item.submitted_at or item.landed_at or "",
        payload=raw,
    )


def _glance(form_id: str, answer: Answer, since: datetime | None, until: datetime) -> Glance:
    """Return the responses of the next window; the answer has the newest first."""
    raws = answer.items("items")
    items = [decode(raw, _Item) for raw in raws]
    records = [_record(form_id, one, b"") for one in items if _is_wanted(one, since, until)]
    has_more = len(items) < (answer.number("total_items") or 0)
    return Glance([(one.source_id, one.version) for one in records], has_more)
