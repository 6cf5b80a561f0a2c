"""Read one object of an org: its shape, its windows of time, and what is joined to its records.

Many records share one second, so a page may end inside a tie. Offset paging loses records, and query
locators expire; paging by (time, Id) does neither. Every page is read through queryAll, which
returns deleted and merged records too.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hub.connectors.base import Window
from hub.connectors.http import HINTS
from hub.connectors.salesforce import soql
from hub.connectors.salesforce.client import Batch, SalesforceClient
from hub.connectors.salesforce.kinds import Join, Part
from hub.connectors.salesforce.rows import Row, id18, records, with_keys
from hub.connectors.salesforce.shapes import CURSOR_FIELDS, Shape, child_shape, read_shape
from hub.connectors.salesforce.soql import Position
from hub.connectors.windows import iso, parse_time
from hub.errors import ForbiddenError, ProtocolError
from hub.model.records import RawRecord
from hub.model.verdicts import Op

MOST_ROWS = 2000
MOST_IDS = 200  # 200 ids are 4,600 characters of SOQL
_ASKS_FOR_A_PAGE = 3
_LONGEST_PREVIEW = 255
_PAGE = "RecordUrl"


class ObjectReader:
    """Reads the objects of one org.

    Args:
        client: of the org.
        page_size: records in one page.
        address: of the org, for the pages that people open.
    """

    def __init__(self, client: SalesforceClient, page_size: int, address: str = "") -> None:
        self.client, self.page_size, self._address = client, page_size, address
        self.shapes: dict[str, Shape] = {}
        self._children: dict[Join, Shape] = {}
        self._account_fields: frozenset[str] | None = None

    def shape(self, part: Part) -> Shape:
        """Return the fields of an object by describe, which is read once a run."""
        if part.name not in self.shapes:
            described = self.client.describe(part.object)
            is_on_account = any(one.get("name") == "AccountId" for one in described)
            self.shapes[part.name] = read_shape(
                part.object,
                described,
                where=part.where,
                account_fields=self._fields_of_accounts() if is_on_account else frozenset(),
            )
        return self.shapes[part.name]

    def _fields_of_accounts(self) -> frozenset[str]:
        """Return the fields of accounts; none if the org hides accounts from the user."""
        if self._account_fields is None:
            try:
                fields = self.client.describe("Account")
            except ForbiddenError:
                fields = ()
            self._account_fields = frozenset(str(one.get("name")) for one in fields)
        return self._account_fields

    def pages(
        self, part: Part, shape: Shape, window: Window, position: Position | None
    ) -> Iterator[tuple[Sequence[RawRecord], Position | None]]:
        """Yield the records of a window and the position after them, None at its end."""
        while True:
            batch, reached = self._next(shape, window, position)
            found = self.joined(part, shape, batch.rows, records(batch, shape))
            if self.is_last(batch) or _is_empty_end(batch):
                yield found, None
                return
            position = reached
            yield found, reached

    def moved_ids(self, part: Part, window: Window) -> Iterator[Sequence[str]]:
        """Yield the ids of records to which something was joined, or taken away, in a window.

        The record itself may not have changed. Ids come in lists that one query takes.

        Args:
            part: the object.
            window: with a lower bound; a whole read has all of them anyway.
        """
        if window.since is None:
            return
        for join in part.joins:
            if not join.changes_alone:
                continue
            shape = self._child_shape(join)
            stamp = next((one for one in CURSOR_FIELDS if one in shape.kinds), "")
            if not stamp:
                continue
            where = soql.span(stamp, window.since, window.until)
            only = replace(shape, fields=("Id", join.by))
            found: set[str] = set()
            for batch in self.all_of(soql.select(only, where)):
                found |= {id18(row.get(join.by)) for row in batch.rows}
            ids = sorted(one for one in found if one.isalnum())
            for start in range(0, len(ids), MOST_IDS):
                yield ids[start : start + MOST_IDS]

    def joined(
        self, part: Part, shape: Shape, rows: Sequence[Row], found: list[RawRecord]
    ) -> list[RawRecord]:
        """Return records with what the part joins to them. A part of the fields has nothing joined."""
        if not (part.joins or part.blob or part.page) or set(shape.fields) < set(
            self.shape(part).fields
        ):
            return found
        joined: list[dict[str, bytes]] = [{} for _ in found]
        for join in part.joins:
            self._join(join, rows, joined)
        if part.blob:
            self._read_blobs(part, rows, found, joined)
        for row, keys in zip(rows, joined, strict=True) if part.page else ():
            keys[_PAGE] = json.dumps(f"{self._address}/{id18(row.get(part.page))}").encode()
        return [
            replace(one, payload=with_keys(one.payload, keys))
            for one, keys in zip(found, joined, strict=True)
        ]

    def _join(self, join: Join, rows: Sequence[Row], joined: Sequence[dict[str, bytes]]) -> None:
        wanted = [
            id18(row.get(join.of)) if not join.when or row.get(join.when) is True else ""
            for row in rows
        ]
        children = self._by_parent(join, sorted({one for one in wanted if one.isalnum()}))
        for id_, keys in zip(wanted, joined, strict=True):
            if id_ and (id_ in children or not join.is_optional):
                keys[join.key] = b"[" + b",".join(children.get(id_, ())) + b"]"

    def _by_parent(self, join: Join, ids: Sequence[str]) -> dict[str, list[bytes]]:
        """Return the bytes of the joined records by the id that they name, in the order of their ids."""
        if not ids:
            return {}
        shape = self._child_shape(join)
        if join.by not in shape.kinds:
            return {}
        found: dict[str, list[tuple[str, bytes]]] = {}
        try:
            for start in range(0, len(ids), MOST_ROWS):
                few = ids[start : start + MOST_ROWS]
                for batch in self.all_of(soql.by_ids(shape, few, join.by)):
                    for row, raw in zip(batch.rows, batch.raws, strict=True):
                        if row.get("IsDeleted") is not True and not _is_left_out(row, join):
                            entry = (id18(row.get("Id")), raw)
                            found.setdefault(id18(row.get(join.by)), []).append(entry)
        except ForbiddenError:
            if not join.is_optional:
                raise
            self._children[join] = child_shape(join.object, (), join.fields)
            return {}
        return {id_: [raw for _, raw in sorted(those)] for id_, those in found.items()}

    def _child_shape(self, join: Join) -> Shape:
        if join not in self._children:
            try:
                described = self.client.describe(join.object)
            except ForbiddenError:  # it is hidden, or the org has no such object
                if not join.is_optional:
                    raise
                described = []
            self._children[join] = child_shape(join.object, described, join.fields, join.parents)
        return self._children[join]

    def all_of(self, text: str) -> Iterator[Batch]:
        """Yield all answers to a query whose records are named, deleted ones too."""
        batch = self.client.query(text, deleted=True)
        yield batch
        while not batch.done and batch.next_url and batch.rows:
            batch = self.client.more(batch.next_url)
            yield batch

    def _read_blobs(
        self,
        part: Part,
        rows: Sequence[Row],
        found: Sequence[RawRecord],
        joined: Sequence[dict[str, bytes]],
    ) -> None:
        """Read the content of the records whose preview was cut, each by a request of its own."""
        for row, one, keys in zip(rows, found, joined, strict=True):
            is_cut = len(str(row.get(part.preview) or "")) >= _LONGEST_PREVIEW
            if is_cut and one.op is Op.UPSERT and one.source_id.isalnum():
                path = f"sobjects/{part.object}/{one.source_id}/{part.blob}"
                content, _ = self.client.download(path)
                keys[part.blob] = json.dumps(b64encode(content).decode()).encode()

    def _next(
        self, shape: Shape, window: Window, position: Position | None
    ) -> tuple[Batch, Position]:
        """Return the next batch and its last position; a repeated batch is asked again."""
        text = soql.walk(shape, window, position, self.page_size)
        batch = Batch((), (), 0, done=False, next_url="")
        for _ in range(_ASKS_FOR_A_PAGE):
            batch = self.filled(self.client.query(text, deleted=True))
            reached = _last_position(batch.rows, shape)
            if self.is_last(batch) and reached is None:  # nothing, or nothing with an id
                return batch, position or Position(window.until, "")
            # a page may begin with known records, but it must end after them
            if reached is not None and (position is None or _is_after(reached, position)):
                return batch, reached
        if _is_empty_end(batch):
            return batch, position or Position(window.until, "")
        raise ProtocolError(
            f"salesforce {shape.name}: the page after ({shape.cursor_field}"
            f" {iso(position.at) if position else 'start'}, Id {position.id if position else '-'})"
            " does not advance",
            hint=HINTS[ProtocolError],
        )

    def filled(self, batch: Batch) -> Batch:
        """Return the first batch that has rows or is the last; an empty one may have a next page."""
        for _ in range(_ASKS_FOR_A_PAGE):
            if batch.rows or batch.done or not batch.next_url:
                break
            batch = self.client.more(batch.next_url)
        return batch

    def is_last(self, batch: Batch) -> bool:
        """Return whether the batch is the last, by the vendor's total and never by a short page."""
        return batch.done and batch.total < self.page_size and len(batch.rows) >= batch.total


def _is_left_out(row: Row, join: Join) -> bool:
    if join.leave_out_if and row.get(join.leave_out_if) is True:
        return True
    if join.leave_out is None:
        return False
    field, prefix = join.leave_out
    return str(row.get(field) or "").startswith(prefix)


def position_of(window: Window) -> Position | None:
    """Return the position where an interrupted read of a window goes on."""
    at, last = parse_time(window.resume.get("t")), window.resume.get("last")
    if at is None or not isinstance(last, str) or not last.isalnum():
        return None
    return Position(at, last)


def _is_empty_end(batch: Batch) -> bool:
    """Return whether the stream ends without a row; the ledger check finds rows counted but not sent."""
    return batch.done and not batch.rows


def _position(row: Row, shape: Shape) -> Position | None:
    at, source_id = parse_time(row.get(shape.cursor_field)), id18(row.get("Id"))
    return Position(at, source_id) if at and source_id.isalnum() else None


def _last_position(rows: Sequence[Row], shape: Shape) -> Position | None:
    places = (_position(row, shape) for row in reversed(rows))
    return next((place for place in places if place), None)


def _is_after(one: Position, other: Position) -> bool:
    return (one.at, one.id) > (other.at, other.id)
