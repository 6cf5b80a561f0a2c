"""Where the real run of a migration differs from its plan: nowhere, unless something changed in between."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from sqlalchemy import Connection

from hub.migration.outcomes import outcomes
from hub.model.records import JsonValue
from hub.records import plans
from hub.records.plans import Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """An object of which the real run made something else than the plan said.

    Args:
        stream: of the source.
        source_id: the vendor's id.
        what: `verdict`, `kind`, `owner`, or the field.
        planned: what the plan said.
        done: what is there now.
    """

    stream: str
    source_id: str
    what: str
    planned: JsonValue
    done: JsonValue

    def document(self) -> dict[str, JsonValue]:
        """Return it as `--json` shows it."""
        return {
            "stream": self.stream,
            "source_id": self.source_id,
            "what": self.what,
            "planned": self.planned,
            "done": self.done,
        }


_NOTHING = Outcome("", "", None)


def from_plan(conn: Connection, batch_id: int) -> Iterator[Difference]:
    """Yield where what the batch has made differs from its plan, by stream and source id.

    Args:
        conn: an open transaction of the hub's database.
        batch_id: a migration that was rehearsed and applied.
    """
    planned = ((one.key, 0, one) for one in plans.each(conn, batch_id))
    done = ((one.key, 1, one) for page in outcomes(conn, None, batch_id) for one in page)
    both = merge(planned, done, key=lambda entry: entry[:2])
    for key, entries in groupby(both, key=lambda entry: entry[0]):
        sides = {side: one for _, side, one in entries}
        yield from _between(key, sides.get(0, _NOTHING), sides.get(1, _NOTHING))


def _between(key: tuple[str, str], planned: Outcome, done: Outcome) -> Iterator[Difference]:
    for what in ("verdict", "kind", "owner"):
        before, after = getattr(planned, what), getattr(done, what)
        if before != after:
            yield Difference(*key, what, before, after)
    then, now = _values(planned), _values(done)
    names = then.keys() | now.keys() if planned.is_new else then.keys()
    for name in sorted(names - {"owner"}):
        if then.get(name) != now.get(name):
            yield Difference(*key, name, then.get(name), now.get(name))


def _values(one: Outcome) -> Mapping[str, JsonValue]:
    return {name: change[1] for name, change in one.fields.items()}
