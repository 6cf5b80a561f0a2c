"""The position of a walk over the members of a list, and its next step. Pure.

Not here: requests (`client.py`), the order of lists and pages (`streams.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from hub.connectors.base import Window
from hub.connectors.mailchimp.client import MOST_ROWS
from hub.connectors.parts import dump_refused, load_refused
from hub.connectors.windows import iso, parse_time
from hub.errors import ConfigError
from hub.model.records import JsonValue, texts

PHASES = ("", "archived")
_SECOND = timedelta(seconds=1)
_PAGES_OF_SEEN = 2


# the keys that `Item` reads, where only some of a member's are asked for
NAMING = ("id", "contact_id", "last_changed", "list_id", "status")


class Item(msgspec.Struct):
    """The keys of a member that the walk reads; the payload itself stays bytes."""

    id: str | None = None
    contact_id: str | None = None
    last_changed: str | None = None
    list_id: str | None = None
    status: str | None = None

    def source_id(self, list_id: str) -> str:
        """Return the contact id, which stays the same if the address changes; else the hash's id.

        Older answers have only the hash of the address.
        """
        return self.contact_id or (f"{list_id}:{self.id}" if self.id else "")


@dataclass(frozen=True, slots=True)
class Place:
    """The position of the walk in one phase of one list.

    Args:
        edge: the second that the next request begins in.
        offset: rows to skip from the edge on.
        total: rows from the edge on, by the last answer.
        seen: ids from the edge on that pages have contained.
    """

    edge: datetime | None = None
    offset: int = 0
    total: int | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The position of the walk over the lists."""

    known: frozenset[str] | None  # None: a bare span was asked for, and all lists keep to it
    done: tuple[str, ...] = ()
    list_id: str = ""
    phase: str = ""
    place: Place = field(default_factory=Place)
    keys: tuple[str, ...] = ()  # of each member, if not all that it has; no part of the position
    behind: Mapping[str, datetime | None] = field(
        default_factory=dict
    )  # refused: where to continue

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
        return {**kept, **dump_refused(self.behind)}

    def since_for(self, list_id: str, since: datetime | None) -> datetime | None:
        """Return the beginning of the window for a list: None if no window has covered it yet."""
        if list_id in self.behind:
            return self.behind[list_id]
        return since if self.known is None or list_id in self.known else None

    def after(self, list_id: str) -> "Walk":
        """Return the walk after a list was read to its end."""
        left = {name: at for name, at in self.behind.items() if name != list_id}
        return Walk(self.known, (*self.done, list_id), keys=self.keys, behind=left)

    def past(self, list_id: str, since: datetime | None) -> "Walk":
        """Return the walk past a list that was refused; it continues from there another time."""
        return Walk(self.known, self.done, keys=self.keys, behind={**self.behind, list_id: since})


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer of members, without those outside the span and those sent twice.

    `step_n` is the number of rows by which the offset moves. Rows before the requested position do
    not count: with a page that repeats, the offset would reach the end and records would be lost.
    """

    items: Sequence[Item]
    raws: Sequence[bytes]
    step_n: int
    asked_n: int
    total: int


def step(list_id: str, place: Place, batch: Batch) -> Place | None:
    """Return the next position, None at the end.

    If the page ends in a later second, the walk continues in that second without an offset. Inside
    one second the offset grows. Rows that left the window moved the others forward, so the offset
    goes back by their number.
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
        return Place(edge=last, seen=tuple(seen))
    seen = [*place.seen, *(item.source_id(list_id) for item in batch.items)]
    return Place(
        edge=place.edge,
        offset=max(place.offset - gone_n, 0) if gone_n else place.offset + batch.step_n,
        total=batch.total,
        seen=tuple(dict.fromkeys(seen))[-_PAGES_OF_SEEN * MOST_ROWS :],
    )


def is_same_page(before: Place, got: Batch, place: Place, batch: Batch) -> bool:
    """Return whether the vendor sent the rows of one offset again for another offset."""
    is_elsewhere = place.edge == before.edge and place.offset != before.offset
    has_rows = bool(batch.raws) and batch.total == got.total
    return is_elsewhere and has_rows and batch.raws == got.raws


def _is_ascending(times: Sequence[datetime | None]) -> bool:
    known = [at for at in times if at is not None]
    return len(known) == len(times) and known == sorted(known)


def bounds(since: datetime | None, until: datetime | None, phase: str) -> dict[str, str]:
    """Return the span as Mailchimp's parameters: both ends exclusive, whole seconds, with +00:00."""
    params = {"before_last_changed": _spelled(_next_whole(until))} if until else {}
    if since is not None:
        params["since_last_changed"] = _spelled(_next_whole(since) - _SECOND)
    if phase:
        params["status"] = phase
    return params


def _next_whole(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND


def _spelled(moment: datetime) -> str:
    return (iso(moment) or "").replace("Z", "+00:00")


def walk_of(window: Window) -> Walk:
    """Return the walk that a window resumes; raises `ConfigError` for an unreadable cursor."""
    resume = window.resume
    offset, total, phase = (resume.get(key) for key in ("offset", "total", "phase"))
    if phase not in {None, *PHASES}:
        raise ConfigError(
            "the stored cursor cannot be read", hint="start over with `hub sync --full`"
        )
    return Walk(
        known=frozenset(texts(resume["known"])) if "known" in resume else None,
        done=tuple(texts(resume.get("done"))),
        list_id=str(resume.get("list") or ""),
        phase=str(phase or ""),
        place=Place(
            edge=parse_time(resume.get("edge")),
            offset=offset if isinstance(offset, int) else 0,
            total=total if isinstance(total, int) else None,
            seen=tuple(texts(resume.get("seen"))),
        ),
        behind=load_refused(resume),
    )


def is_within(item: Item, since: datetime | None, until: datetime) -> bool:
    """Return whether a row lies in a span; a row without a time lies in every span."""
    at = parse_time(item.last_changed)
    return at is None or ((since is None or at >= since) and at < until)


def is_before(item: Item, since: datetime | None) -> bool:
    """Return whether a row lies before a span's first second."""
    at = parse_time(item.last_changed)
    return at is not None and since is not None and at < since.replace(microsecond=0)
