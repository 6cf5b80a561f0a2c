"""Erase people again that a restored backup contains, by the digests of the list.

In: the list of tombstones, and the database. Every object and every address of the database is
hashed and compared; from the matches the search continues as at the first time. An erasure of which
the database holds nothing is noted as done, so that it is not looked for again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from hub.db.transactions import run_transaction
from hub.erase import erasure
from hub.erase.find import find
from hub.erase.person import Key, are_alike
from hub.erase.receipt import Receipt
from hub.etl import erased_forms
from hub.model.erasure import ErasureKey, TombstoneKind
from hub.records import batch_history, batches, erasure_list
from hub.records.erasure_key import read_key

_AT_ONCE = 5_000
_OBJECTS = text("SELECT DISTINCT source, stream, source_id FROM landing.raw WHERE op <> 'delete'")
_SAID = text("""
SELECT s.source, s.stream, s.source_id, s.entity_id, s.canonical AS values
FROM ops.source_record s WHERE s.target = 'person'
UNION ALL
SELECT s.source, s.stream, s.source_id, s.entity_id, v.canonical
FROM ops.record_version v JOIN ops.source_record s ON s.id = v.record_id WHERE s.target = 'person'
UNION ALL
SELECT NULL, NULL, NULL, e.entity_id, jsonb_build_object(e.field, e.value) FROM ops.edit e
WHERE e.field IN ('email', 'emails', 'phone', 'mobile')
""")


@dataclass(slots=True)
class _Found:
    """What of one erasure the database holds."""

    entities: set[int] = field(default_factory=set)
    objects: set[Key] = field(default_factory=set)


def forgotten(conn: Connection, home: Path) -> list[str]:
    """Return the erasures of the list that were not done in this database, the oldest first."""
    listed = dict.fromkeys(t.erasure for t in erasure_list.read(home))
    done = batch_history.erasures_done(conn) if listed else set()
    return [one for one in listed if one not in done]


def erase_again(engine: Engine, home: Path, who: str, at: datetime) -> list[Receipt]:
    """Give the database the tombstones that it lacks, and erase the people that it holds again.

    Args:
        engine: the hub's database, its schema upgraded.
        home: HUB_HOME.
        who: who restores.
        at: when.

    Returns:
        The receipts of the people who were there.

    Raises:
        ConfigError: the list or the key is damaged or missing.
    """
    with engine.begin() as conn:
        wanted = forgotten(conn, home)
        erasure_list.bring_back(conn, home)
    if not wanted:
        return []
    found = _search(engine, home, wanted)
    receipts: list[Receipt] = []
    for one in wanted:
        with engine.begin() as conn:
            person = (
                find(
                    conn,
                    entities=found[one].entities,
                    objects=found[one].objects,
                    mixed=_mixed(conn, found[one]),
                    was_shared=erasure.was_shared(conn, home),
                )
                if one in found
                else None
            )
        if person is None:
            run_transaction(engine, lambda conn, i=one: _note(conn, i, who))  # type: ignore[misc]
        else:
            receipts.append(erasure.erase(engine, home, who, person, at, erasure=one))
    return receipts


def _note(conn: Connection, one: str, who: str) -> None:
    batch = batches.open_erase(conn, one, who)
    batches.close_erase(conn, batch, {"erasure": one, "people": 0}, ok=True)


def _search(engine: Engine, home: Path, wanted: Sequence[str]) -> Mapping[str, _Found]:
    """Hash every object and every address of the database: erasure → what it holds of it."""
    listed = [t for t in erasure_list.read(home) if t.erasure in wanted]
    key = read_key(home, listed[-1].key_id)
    erasures = {t.digest: t.erasure for t in listed}
    found: dict[str, _Found] = defaultdict(_Found)
    with engine.connect() as conn:
        reading = conn.execution_options(yield_per=_AT_ONCE)
        for row in reading.execute(_OBJECTS):
            one = (row.source, row.stream, row.source_id)
            if met := erasures.get(key.digest(TombstoneKind.RECORD, *one)):
                found[met].objects.add(one)
        for row in reading.execute(_SAID):
            for met in _met(key, row.values, erasures):
                if row.entity_id is not None:
                    found[met].entities.add(row.entity_id)
                elif row.source is not None:
                    found[met].objects.add((row.source, row.stream, row.source_id))
    return found


def _met(key: ErasureKey, values: Mapping[str, object], of: Mapping[bytes, str]) -> set[str]:
    return {of[digest] for digest in erased_forms.digests_of(key, values) if digest in of}


_OF_ENTITIES = text("""
SELECT s.entity_id, s.source, s.stream, s.source_id, s.canonical AS values FROM ops.source_record s
WHERE s.target = 'person' AND (s.entity_id = ANY(:entities) OR s.entity_id IN (
  SELECT o.entity_id FROM ops.source_record o JOIN unnest(CAST(:sources AS text[]),
    CAST(:streams AS text[]), CAST(:ids AS text[])) AS k(source, stream, source_id)
    USING (source, stream, source_id) WHERE o.entity_id IS NOT NULL))
""")


def _mixed(conn: Connection, found: _Found) -> set[int]:
    """Return entities in which a person with another name was merged when the backup was written."""
    objects = sorted(found.objects)
    args = {
        "entities": sorted(found.entities),
        "sources": [source for source, _, _ in objects],
        "streams": [stream for _, stream, _ in objects],
        "ids": [source_id for _, _, source_id in objects],
    }
    own: set[str] = set()
    others: dict[int, list[set[str]]] = defaultdict(list)
    for row in conn.execute(_OF_ENTITIES, args):
        names = erased_forms.names_of(row.values)
        if (row.source, row.stream, row.source_id) in found.objects:
            own |= names
        elif names:
            others[row.entity_id].append(names)
    return {
        entity
        for entity, of in others.items()
        if own and any(not are_alike(names, own) for names in of)
    }
