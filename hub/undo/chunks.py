"""Cut a batch into chunks, each of whole people and companies, small enough for the lock. Pure."""

from collections.abc import Iterator, Sequence

from hub.db.pace import Pace
from hub.model.entities import ACTIVITIES
from hub.records.companies import ORGANISATION
from hub.undo.inputs import HAVE_ENTITIES, Brought, Key

MOST = 500
"""Objects in a chunk at most."""
FIRST = 100
LEAST = 100
"""Fewer objects do not make a chunk shorter: most of its time does not depend on their number."""
SHORT_S, LONG_S = 0.15, 0.25
"""How long a chunk should hold the identity lock; it may hold it for 0.3 s."""


def pace() -> Pace:
    """Return how many objects a chunk takes: few at first."""
    return Pace(min(FIRST, MOST), LEAST, MOST, SHORT_S, LONG_S, growth=1.5)


_ORDER = {**dict.fromkeys(ACTIVITIES, 0), "deal": 1, ORGANISATION: 3, "user": 4}
_OTHERS = 2


def order_of(record: Brought) -> int:
    """Return the place of a record among the parts of an undo."""
    return _ORDER.get(record.target, _OTHERS)


def groups(brought: Sequence[Brought]) -> list[list[Key]]:
    """Return the objects of a batch, those of one person or company together.

    Activities come before deals, and both before their people. Companies come after people, so that
    only people who stay are folded again for them. The owners that a source named come last:
    records of the batch may belong to them until then.
    """
    parent: dict[object, object] = {}

    def root(name: object) -> object:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    order: dict[Key, int] = {}
    for record in brought:
        top = root(record.key)
        if record.target in HAVE_ENTITIES and record.entity_id is not None:
            parent[root(record.entity_id)] = top
        order[record.key] = max(order.get(record.key, 0), order_of(record))
    found: dict[object, list[Key]] = {}
    for key in dict.fromkeys(record.key for record in brought):
        found.setdefault(root(key), []).append(key)
    return sorted(found.values(), key=lambda keys: max(order[key] for key in keys))


def cut(together: Sequence[Sequence[Key]], pace: Pace) -> Iterator[list[Key]]:
    """Yield the objects of one chunk after the other; a group is split only where it is too large."""
    chunk: list[Key] = []
    for group in together:
        if chunk and len(chunk) + len(group) > pace.size:
            yield chunk
            chunk = []
        chunk += group
        while len(chunk) > MOST:
            yield chunk[:MOST]
            chunk = chunk[MOST:]
    if chunk:
        yield chunk
