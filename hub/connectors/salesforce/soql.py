"""The queries of the connector, as text. Names come from describe, ids and times are checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.connectors.base import Window
from hub.connectors.salesforce.shapes import Shape
from hub.connectors.windows import iso
from hub.errors import ConfigError

# https://help.salesforce.com/s/articleView?id=000386440; 800 fields of 40 letters are 36,000
_MOST_SOQL = 100_000


@dataclass(frozen=True, slots=True)
class Position:
    """The last record of the pages so far."""

    at: datetime
    id: str


def select(shape: Shape, where: Sequence[str], rest: str = "") -> str:
    """Return the query for an object's fields; raise `ConfigError` if it is too long."""
    soql = f"SELECT {', '.join(shape.fields)} FROM {shape.name}"  # noqa: S608  # SOQL; checked values
    soql += _where(shape, where) + rest
    if len(soql) > _MOST_SOQL:
        raise ConfigError(
            f"salesforce {shape.name}: {len(shape.fields)} fields do not fit in one query of"
            f" {_MOST_SOQL} characters",
            hint="hide unused fields from the integration user (field-level security)",
        )
    return soql


def walk(shape: Shape, window: Window, position: Position | None, limit: int) -> str:
    """Return the query for the next page of a window, by time and Id."""
    time = shape.cursor_field
    if position is None:
        where = span(time, window.since, window.until)
    else:
        where = span(time, position.at, window.until)
        where.append(f"({time} > {iso(position.at)} OR Id > '{position.id}')")
    return select(shape, where, f" ORDER BY {time}, Id LIMIT {limit}")


def glance(shape: Shape, since: datetime | None, limit: int) -> str:
    """Return the query for the oldest changes since a time."""
    where = [f"{shape.cursor_field} >= {iso(since)}"] if since else []
    return select(shape, where, f" ORDER BY {shape.cursor_field}, Id LIMIT {limit}")


def by_ids(shape: Shape, ids: Sequence[str], by: str = "Id") -> str:
    """Return the query for records by an id field."""
    return select(shape, [f"{by} IN ({quoted(ids)})"])


def count(shape: Shape, where: Sequence[str] = ()) -> str:
    """Return the query for a number of records."""
    return f"SELECT COUNT() FROM {shape.name}{_where(shape, where)}"  # noqa: S608  # SOQL; names from describe


def span(time: str, since: datetime | None, until: datetime) -> list[str]:
    """Return the conditions of a span of time."""
    lower = [f"{time} >= {iso(since)}"] if since else []
    return [*lower, f"{time} < {iso(until)}"]


def ids_between(low: str | None, high: str | None) -> list[str]:
    """Return the conditions of a range of ids: `low` is in it, `high` is not."""
    lower = [f"Id >= '{low}'"] if low else []
    return [*lower, *([f"Id < '{high}'"] if high else [])]


def quoted(ids: Sequence[str]) -> str:
    """Return ids as a list of SOQL."""
    return ", ".join(f"'{one}'" for one in ids)


def _where(shape: Shape, where: Sequence[str]) -> str:
    conditions = [*where, *([shape.where] if shape.where else [])]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
