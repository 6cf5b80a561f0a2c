"""Local files as a source: one stream for each kind of object.

In: the plans of the tables of one call. Out: pages of raw records, counts, an inventory. All tables of
one call are read as one source, so that rows of different files can refer to each other.

The count of a stream is a pass of its own. It compares the lines that rows take with the lines that the
file has, so a line that the reader lost makes the count differ from what landed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import msgspec

from hub.clock import Clock
from hub.connectors.base import (
    Cursor,
    FieldUse,
    Finding,
    Inventory,
    OwnerUse,
    Page,
    Range,
    Stream,
    Window,
)
from hub.connectors.files.column_files import CUSTOM, ColumnFile
from hub.connectors.files.owners import Owner, Owners, owner_counts, owners_of
from hub.connectors.files.plans import Column, TablePlan, by_kind, plan_files
from hub.connectors.files.relations import Relations, relations_of
from hub.connectors.files.source_rows import Ids, SourceRow, Values, source_rows
from hub.model.records import FAULT, RawRecord
from hub.model.verdicts import Op

SOURCE = "csv"
Known = Callable[[str, Sequence[str]], frozenset[str]]
"""Tells which ids of a stream the hub has."""
Marks = Callable[[str, Sequence[Mapping[str, object]]], Sequence[Mapping[str, str]]]
"""Takes a stream and the values of rows; returns what is said of each row beside its cells."""
OWNERS = "owners"
PAGE_ROWS = 1000
_ONLY = "0001"
_PLACE = frozenset(("_file", "_line"))
STREAMS = tuple(
    Stream(name, incremental=False, volatile=_PLACE)
    for name in (OWNERS, "companies", "contacts", "leads", "deals", "activities")
)
"""In reading order: what others refer to comes first. A row that moved in its file is not a changed row."""


class Mode(StrEnum):
    """What the rows of a call may do."""

    ADD_AND_UPDATE = "add-and-update"
    ADD = "add"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Policy:
    """How rows meet what the hub has.

    Args:
        mode: a row that may only add leaves a known person as it is; a row that may only update makes
            no new one. What the matcher finds decides, as for every record.
        overwrites: whether the values of a row win over those of other sources; else they fill blanks.
        known: which ids of a stream the hub has.
        marks: what is said of each row beside its cells; None: nothing.
        terms: a text that differs if the marks are made in another way.
    """

    mode: Mode = Mode.ADD_AND_UPDATE
    overwrites: bool = False
    known: Known = lambda _stream, _ids: frozenset()
    marks: Marks | None = None
    terms: str = ""


_USUAL = Policy()
_MATCHED = frozenset(("companies", "contacts", "leads"))
"""Streams whose rows are matched: there a row without a known id can update too."""


class FilesConnector:
    """The connector of the source `csv`, over the files of one call."""

    source = SOURCE

    def __init__(
        self,
        paths: Sequence[Path],
        clock: Clock,
        columns: ColumnFile | None = None,
        policy: Policy = _USUAL,
    ) -> None:
        """Read the files once, and plan them.

        Raises:
            ConfigError: a file cannot be read, or the kind of its rows is not known.
        """
        self.plans = plan_files(paths, columns)
        self._clock = clock
        self._policy = policy

    def streams(self) -> Sequence[Stream]:
        """Return the streams that the files have rows for; without files, all."""
        if not self.plans:
            return STREAMS
        return [stream for stream in STREAMS if self._has(stream.name)]

    objects = streams

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002 all streams alike
        """Return the window of a read: files are always read as a whole."""
        resume = (cursor or {}).get("resume")
        return Window(None, self._clock.now(), resume=resume if isinstance(resume, dict) else {})

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield the rows of a stream in pages; a read that was interrupted goes on after its last page."""
        for page, is_last in self._pages(stream, window, window.resume):
            yield Page(page.records, {} if is_last else {"resume": dict(page.cursor)})

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int:
        """Return how many rows the files have, counted in a pass of its own."""
        if since is None:
            return self._count(stream)
        found = self._records(stream, until)
        return sum(1 for one in found if one.at is not None and since <= one.at < until)

    def check(self) -> Sequence[Finding]:
        """Return what was found in the files, and what must be decided."""
        asked = [Finding(SOURCE, ok=False, message=one, hint="answer it in a mapping file") for plan in self.plans for one in plan.questions]  # fmt: skip
        return [
            *(Finding(SOURCE, ok=True, message=one) for plan in self.plans for one in plan.notes),
            *asked,
        ]

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:  # noqa: ARG002 there is one
        """Return one range: the rows of a file have no order of ids."""
        return [Range(_ONLY, count_n=self._count(stream))]

    def read_range(
        self,
        stream: Stream,
        window: Window,
        part: Range,  # noqa: ARG002 there is one
        resume: Cursor | None = None,
    ) -> Iterator[Page]:
        """Yield all rows of the stream in pages."""
        for page, _ in self._pages(stream, window, resume or {}):
            yield page

    def count_range(self, stream: Stream, window: Window, part: Range) -> int:  # noqa: ARG002 there is one
        """Return how many rows the files have."""
        return self._count(stream)

    def inventory(self, stream: Stream, window: Window) -> Inventory:  # noqa: ARG002 a file has no window
        """Return what the files of a stream have."""
        plans = self._plans(stream.name)
        owners = _owners_of(plans, self._owners)
        return Inventory(stream.name, self._count(stream), fields=_fields(plans), owners=owners)

    def custom_fields(self) -> Mapping[str, Sequence[FieldUse]]:
        """Return the custom fields to which the mapping file gives a type, by stream."""
        found: dict[str, list[FieldUse]] = {}
        for plan in self.plans:
            for one in plan.columns:
                if one.custom and one.field:
                    name = one.field.removeprefix(CUSTOM)
                    use = FieldUse(name, name, one.custom.type, choices=one.custom.choices)
                    found.setdefault(plan.kind, []).append(use)
        return found

    def following(self, stream: Stream, window: Window) -> Cursor:  # noqa: ARG002 a file has no cursor
        """Return an empty cursor: files are always read as a whole."""
        return {}

    def _plans(self, kind: str) -> list[TablePlan]:
        return by_kind(self.plans).get(kind, [])

    def _has(self, kind: str) -> bool:
        if kind == OWNERS:
            return bool(self._all_owners)
        return bool(self._plans(kind)) or kind in self._relations.made

    @cached_property
    def _relations(self) -> Relations:
        return relations_of(self.plans)

    @cached_property
    def _owners(self) -> Owners:
        return self._relations.owners

    @property
    def _all_owners(self) -> dict[str, Owner]:
        return self._owners.by_key

    def _count(self, stream: Stream) -> int:
        if stream.name == OWNERS:
            return len(owners_of(self.plans).by_key)
        plans = self._plans(stream.name)
        rows = sum(sum(1 for _ in plan.rows()) for plan in plans)
        rows += sum(abs(plan.table.unread_n()) for plan in plans if not plan.is_second)
        every = rows + len(self._relations.made.get(stream.name, {}))
        return every - self.left_out_n(stream)

    def left_out_n(self, stream: Stream) -> int:
        """Return how many rows the mode leaves out, because the hub has their ids, or has not."""
        if self._policy.mode is Mode.ADD_AND_UPDATE or stream.name == OWNERS:
            return 0
        whole = self._whole(stream, self._clock.now())
        return sum(len(chunk) - len(self._allowed(stream, chunk)) for chunk in _chunks(whole))

    def _pages(self, stream: Stream, window: Window, resume: Cursor) -> Iterator[tuple[Page, bool]]:
        """Yield pages with the position after each, and whether a page is the last."""
        mark = self.mark(stream)
        done = resume.get("row", 0) if resume.get("of") == mark else 0
        read = done if isinstance(done, int) else 0
        records = self._records(stream, window.until)
        chunk = list(islice(records, read, read + PAGE_ROWS))
        while True:
            following = list(islice(records, PAGE_ROWS))
            read += len(chunk)
            yield Page(chunk, {"row": read, "of": mark}), not following
            if not following:
                return
            chunk = following

    def mark(self, stream: Stream) -> str:
        """Return a text that differs if the files are other ones, have changed, or are mapped differently."""
        said = [stream.name, self._policy.mode, str(self._policy.overwrites), self._policy.terms]
        for plan in self.plans:
            held = plan.table.path.stat()
            said += [
                plan.table.name,
                str(held.st_size),
                str(held.st_mtime_ns),
                plan.kind,
                str(plan.zone),
            ]
            said += [f"{c.header} {c.field} {c.order} {c.sign}" for c in plan.columns]
        return blake2b("\0".join(said).encode(), digest_size=8).hexdigest()

    def _records(self, stream: Stream, until: datetime) -> Iterator[RawRecord]:
        """Yield the rows of a stream that the mode allows, each with what it may do."""
        whole = self._whole(stream, until)
        if self._policy == _USUAL or stream.name == OWNERS:
            yield from whole
            return
        for chunk in _chunks(whole):
            yield from self._allowed(stream, chunk)

    def _allowed(self, stream: Stream, chunk: Sequence[RawRecord]) -> list[RawRecord]:
        mode = self._policy.mode
        known = frozenset[str]()
        if mode is not Mode.ADD_AND_UPDATE:
            known = self._policy.known(stream.name, [one.source_id for one in chunk])
        found = []
        for one in chunk:
            is_known = one.source_id in known
            if (mode is Mode.ADD and is_known) or (
                mode is Mode.UPDATE and not is_known and stream.name not in _MATCHED
            ):
                continue
            said = {"_mode": mode.value} if mode is not Mode.ADD_AND_UPDATE and not is_known else {}
            if self._policy.overwrites:
                said["_conflict"] = "overwrite"
            found.append(_with(one, said) if said else one)
        return self._marked(stream, found)

    def _marked(self, stream: Stream, records: list[RawRecord]) -> list[RawRecord]:
        """Return rows with what is said of them beside their cells; one that cannot be read stays as it is."""
        if self._policy.marks is None:
            return records
        values = [msgspec.json.decode(one.payload) for one in records]
        said = self._policy.marks(stream.name, values)
        return [
            one if FAULT in held or not more else _with(one, dict(more))
            for one, held, more in zip(records, values, said, strict=True)
        ]

    def marks_n(self, stream: Stream, name: str) -> dict[str, int]:
        """Return how many rows have which value of a mark; those without it are left out."""
        found: dict[str, int] = {}
        for one in self._records(stream, self._clock.now()):
            said = msgspec.json.decode(one.payload).get(name)
            if isinstance(said, str):
                found[said] = found.get(said, 0) + 1
        return found

    def _whole(self, stream: Stream, until: datetime) -> Iterator[RawRecord]:
        latest = until - timedelta(microseconds=1)
        if stream.name == OWNERS:
            for id_, owner in sorted(self._all_owners.items()):
                yield _record(SourceRow(id_, 0, _of_owner(id_, owner)), latest, "")
            return
        ids = Ids()
        for plan in self._plans(stream.name):
            changed_at = min(_changed_at(plan.table.path), latest)
            for row in source_rows(plan, ids):
                if not row.fault:
                    for relation, id_ in self._relations.refs(plan.kind, row.values).items():
                        row.values[f"{relation}_ref"] = id_
                yield _record(row, changed_at, plan.table.name)
        for id_, values in self._relations.made.get(stream.name, {}).items():
            yield _record(SourceRow(id_, 0, values), latest, "")


def _of_owner(id_: str, owner: Owner) -> Values:
    said: Values = {"id": id_, "name": owner.name}
    if owner.email:
        said["email"] = owner.email
    if not owner.is_active:
        said["active"] = "false"
    return said


def _fields(plans: Sequence[TablePlan]) -> list[FieldUse]:
    """Return what the columns of tables of one kind hold, each field once."""
    columns: dict[str, list[Column]] = {}
    for plan in plans:
        for column in plan.columns:
            if column.field:
                columns.setdefault(column.field, []).append(column)
    return [
        FieldUse(
            name=field.removeprefix(CUSTOM),
            label=same[0].header,
            kind=same[0].type,
            filled_n=sum(one.held.filled_n for one in same),
            custom=field.startswith(CUSTOM),
            values=sum((one.held.values or Counter() for one in same), Counter[str]()),
        )
        for field, same in columns.items()
    ]


def _owners_of(plans: Sequence[TablePlan], known: Owners) -> list[OwnerUse]:
    """Return the owners of the rows, each by the id under which it is read."""
    counts = Counter[str]()
    for plan in plans:
        counts.update(owner_counts(plan, known))
    found = [
        OwnerUse(id_, owner.name, n, owner.email, active=owner.is_active)
        for id_, n in counts.items()
        if (owner := known.by_key.get(id_))
    ]
    return sorted(found, key=lambda one: (-one.records_n, one.name))


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _record(row: SourceRow, changed_at: datetime, table: str) -> RawRecord:
    payload: Values = dict(row.values)
    if table:
        payload |= {"_file": table, "_line": row.line}
    if row.fault:
        payload[FAULT] = f"{table}, line {row.line}: {row.fault}"
    at = _moment(row.values.get("updated_at"), changed_at)
    version = f"{table}:{row.line}" if table else ""
    return RawRecord(row.id, Op.UPSERT, at, version, msgspec.json.encode(_utf8(payload)))


def _utf8(payload: Values) -> Values:
    """Return values that can be encoded: bytes that the file's encoding does not have are kept visible."""
    try:
        msgspec.json.encode(payload)
    except UnicodeEncodeError:
        text = repr(payload.get("cells", ""))
        return {**payload, "cells": text.encode("utf-8", "backslashreplace").decode()}
    return payload


def _moment(said: object, latest: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else latest
    except ValueError:
        return latest
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return min(aware, latest)


def _chunks(records: Iterable[RawRecord]) -> Iterator[list[RawRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, PAGE_ROWS)):
        yield chunk


def _with(record: RawRecord, said: dict[str, str]) -> RawRecord:
    payload = msgspec.json.decode(record.payload) | said
    return replace(record, payload=msgspec.json.encode(payload))
