"""Preview of another matching model: which people it would join, and which it would split.

It only reads. In: all records of people, decisions of users and vendors, a model. Out: the
differences from the persons of today.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.matching import bulk
from hub.matching.clusters import Edge
from hub.matching.clusters import edge as edge_of
from hub.matching.keys import view
from hub.matching.model import Model
from hub.model.verdicts import Judgement, Trust
from hub.records import edges, held, identity
from hub.records.identity import StoredRecord


@dataclass(frozen=True, slots=True)
class Rescored:
    """The differences; records are named `source/stream/id`.

    Args:
        model: the version of the model that was tried.
        records: how many records were matched.
        joins: for each new person that joins several of today's, the parts.
        splits: for each person of today that is split, the parts.
        reviews: pairs that would go to review.
    """

    model: str
    records: int
    joins: Sequence[Sequence[Sequence[str]]]
    splits: Sequence[Sequence[Sequence[str]]]
    reviews: int


def preview(conn: Connection, model: Model) -> Rescored:
    """Match all people with a model, and compare the result with the persons of today."""
    records = [r for r in identity.every_person(conn) if r.entity_id is not None]
    key_of = {r.id: r.stable_key for r in records}
    views = [view(r.id, r.stable_key, Trust(r.trust), r.values) for r in records]
    if not views:
        return Rescored(model.version, 0, (), (), 0)
    decisions = _decisions(conn, key_of)
    found = bulk.resolve(views, model, decisions)
    new_of = {views[i].stable_key: n for n, members in enumerate(found.clusters) for i in members}
    old_of = {r.stable_key: r.entity_id or 0 for r in records}
    return Rescored(
        model.version,
        len(records),
        _parts(records, new_of, old_of),
        _parts(records, old_of, new_of),
        len(found.reviews),
    )


def _decisions(conn: Connection, key_of: Mapping[int, str]) -> list[Edge]:
    _, among = edges.component(conn, key_of)
    said = [e for e in among if e.made_by != held.HELD and not e.made_by.startswith("model:")]
    said.sort(key=lambda e: e.made_by != "vendor")  # for one pair the last edge counts: a user's
    return [
        edge_of(key_of[e.a], key_of[e.b], Judgement(e.judgement), e.weight)
        for e in said
        if e.a in key_of and e.b in key_of
    ]


def _parts(
    records: Sequence[StoredRecord], whole_of: Mapping[str, int], part_of: Mapping[str, int]
) -> list[list[list[str]]]:
    """Return each whole that contains several parts, as lists of record names."""
    wholes: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        key = record.stable_key
        wholes[whole_of[key]][part_of[key]].append(key)
    return sorted(
        sorted(sorted(names) for names in parts.values())
        for parts in wholes.values()
        if len(parts) > 1
    )
