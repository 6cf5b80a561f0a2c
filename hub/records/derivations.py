"""The rules by which stored data was derived, and how much of it older rules derived.

A derivation is a step from stored inputs to stored results: the mapping of one stream, the keys of
records, the model that judges pairs, the fold of entities, and their links. A row of `ops.derivation`
says: inputs with an id above `until` were derived with `version` from the start; those up to
`walked_to` were derived again; those between were derived with an older version. Version '' means
an unknown version. Ids are those of raw rows (mapping), source records (keys, model) or
entities (fold, links).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.frozen import dataclass

MAPPING = "mapping"

# An object is counted, and mapped again, at the newest of its raw rows that older rules mapped.
_OBJECTS = text("""
SELECT count(DISTINCT source_id) FROM landing.raw
WHERE source = split_part(:part, '/', 1) AND stream = split_part(:part, '/', 2)
  AND id > :after AND (CAST(:until AS bigint) IS NULL OR id <= :until)
""")
_PEOPLE = text("""
SELECT count(*) FROM ops.source_record WHERE target = 'person' AND withdrawn_by IS NULL
  AND id > :after AND (CAST(:until AS bigint) IS NULL OR id <= :until)
""")
_ENTITIES = text("""
SELECT count(*) FROM ops.entity WHERE merged_into IS NULL
  AND id > :after AND (CAST(:until AS bigint) IS NULL OR id <= :until)
""")
_COUNTED = {
    MAPPING: _OBJECTS, "keys": _PEOPLE, "model": _PEOPLE, "fold": _ENTITIES, "links": _ENTITIES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stale:
    """How much older rules derived.

    Args:
        derivation: mapping, keys, model, fold or links.
        part: source/stream of a mapping, else "".
        version: of the rules in force.
        behind: objects (mapping), records (keys, model) or entities (fold, links).
    """

    derivation: str
    part: str
    version: str
    behind: int


@dataclass(frozen=True, slots=True)
class Walk:
    """What of a derivation is still to be derived again: ids above `after`, up to `until`."""

    name: str
    part: str
    after: int
    until: int


# A stream that landed before it had a mapping was never mapped: objects before their first mapping
# are left out.
_ADD = text("""
INSERT INTO ops.derivation (name, part, version, until)
SELECT 'mapping', m.part, CASE WHEN landed.newest IS NULL THEN m.version ELSE '' END,
       coalesce(landed.newest + 1, 0)
FROM unnest(CAST(:parts AS text[]), CAST(:versions AS text[])) AS m (part, version)
CROSS JOIN LATERAL (
  SELECT max(r.id) FROM landing.raw r
  WHERE r.source = split_part(m.part, '/', 1) AND r.stream = split_part(m.part, '/', 2)
    AND NOT EXISTS (SELECT 1 FROM ops.pending p WHERE p.stage = 'normalize' AND p.ref = r.id)
) AS landed (newest)
ON CONFLICT DO NOTHING
""")
_NEWEST = """CASE
  WHEN name = 'mapping' THEN coalesce((SELECT max(id) + 1 FROM landing.raw r
    WHERE r.source = split_part(part, '/', 1) AND r.stream = split_part(part, '/', 2)), 0)
  WHEN name IN ('keys', 'model') THEN (SELECT coalesce(max(id), 0) FROM ops.source_record)
  ELSE (SELECT coalesce(max(id), 0) FROM ops.entity) END"""
_DECLARE = text(f"""
UPDATE ops.derivation SET version = :version, since = now(), walked_to = 0,
  until = CASE WHEN version = '' THEN until ELSE {_NEWEST} END
WHERE name = :name AND part = :part AND version <> :version
""")  # noqa: S608 our own text
_RESTART = text(f"""
UPDATE ops.derivation SET since = now(), walked_to = 0, until = {_NEWEST}
WHERE name = ANY(CAST(:names AS text[]))
""")  # noqa: S608 our own text


def declare(conn: Connection, versions: Mapping[str, str], mappings: Mapping[str, str]) -> None:
    """Record the versions in force; what was derived with another version is stale from now on.

    Args:
        conn: a connection in a transaction.
        versions: by derivation.
        mappings: versions of the mappings, by source/stream.
    """
    rows = conn.execute(text("SELECT name, part, version FROM ops.derivation")).all()
    known = {(row.name, row.part): row.version for row in rows}
    new = {part: version for part, version in mappings.items() if (MAPPING, part) not in known}
    if new:
        conn.execute(_ADD, {"parts": list(new), "versions": list(new.values())})
    for (name, part), version in _all(versions, mappings).items():
        # seldom, and every command asks: write only then
        if known.get((name, part), version) != version:
            conn.execute(_DECLARE, {"name": name, "part": part, "version": version})
            if name == "keys":
                restart(conn, ["model"])  # pairs are judged again where keys differ


def _all(versions: Mapping[str, str], mappings: Mapping[str, str]) -> dict[tuple[str, str], str]:
    return {(MAPPING, part): version for part, version in mappings.items()} | {
        (name, ""): version for name, version in versions.items()
    }


def restart(conn: Connection, names: Sequence[str]) -> None:
    """Mark all stored data of a derivation as stale."""
    conn.execute(_RESTART, {"names": list(names)})


_WALKS = "SELECT name, part, walked_to, until FROM ops.derivation WHERE walked_to < until"


def walks(conn: Connection) -> list[Walk]:
    """Return the unfinished walks, of every derivation."""
    return [Walk(*row) for row in conn.execute(text(f"{_WALKS} ORDER BY name, part"))]


def lock_walk(conn: Connection, name: str, part: str = "") -> Walk | None:
    """Lock the walk of one derivation until the transaction ends; None if it is finished."""
    row = conn.execute(
        text(f"{_WALKS} AND name = :name AND part = :part FOR UPDATE"),
        {"name": name, "part": part},
    ).first()
    return Walk(*row) if row else None


def advance(conn: Connection, walk: Walk, to: int | None) -> None:
    """Store the position of a walk; None: its end."""
    conn.execute(
        text(
            "UPDATE ops.derivation SET walked_to = least(until, coalesce(:to, until)) "
            "WHERE name = :name AND part = :part"
        ),
        {"to": to, "name": walk.name, "part": walk.part},
    )


def finish(conn: Connection, part: str) -> None:
    """Mark a stream as current: it is mapped again, and records that no version gives are taken out."""
    if walk := lock_walk(conn, MAPPING, part):
        advance(conn, walk, None)


def skip_to_end(conn: Connection, part: str) -> None:
    """Store that all objects of a stream are queued to be mapped again."""
    if walk := lock_walk(conn, MAPPING, part):
        advance(conn, walk, walk.until - 1)


_IDS = {
    "source_record": text(
        "SELECT id FROM ops.source_record WHERE target = 'person' AND withdrawn_by IS NULL "
        "AND id > :after AND id <= :until ORDER BY id LIMIT :limit"
    ),
    "entity": text(
        "SELECT id FROM ops.entity WHERE merged_into IS NULL "
        "AND id > :after AND id <= :until ORDER BY id LIMIT :limit"
    ),
}


def ids_of(conn: Connection, walk: Walk, limit: int) -> list[int]:
    """Return the next records of people (keys, model) or entities (fold, links) of a walk."""
    table = "source_record" if walk.name in {"keys", "model"} else "entity"
    values = {"after": walk.after, "until": walk.until, "limit": limit}
    return list(conn.execute(_IDS[table], values).scalars())


_HAS_LANDED = text("""
SELECT EXISTS (SELECT 1 FROM landing.head
               WHERE source = split_part(:part, '/', 1) AND stream = split_part(:part, '/', 2))
""")


def stale(
    conn: Connection, versions: Mapping[str, str], mappings: Mapping[str, str]
) -> Sequence[Stale]:
    """Return how much older rules derived, by derivation; current ones have 0.

    Args:
        conn: a connection.
        versions: in force, by derivation.
        mappings: versions in force, by source/stream; streams that never landed are left out.
    """
    found = []
    rows = conn.execute(text("SELECT name, part, version, walked_to, until FROM ops.derivation"))
    known = {(row.name, row.part): row for row in rows}
    for (name, part), version in sorted(_all(versions, mappings).items(), key=_order):
        if name == MAPPING and not conn.execute(_HAS_LANDED, {"part": part}).scalar_one():
            continue
        row = known.get((name, part))
        # Of a version that no entry point has declared yet, everything stored is older.
        is_declared = row is not None and row.version in {version, ""}
        after, until = (row.walked_to, row.until) if row and is_declared else (0, None)
        if until is not None and after >= until:
            behind = 0
        else:
            values = {"after": after, "until": until}
            values |= {"part": part} if name == MAPPING else {}
            behind = conn.execute(_COUNTED[name], values).scalar_one()
        found.append(Stale(name, part, version, behind))
    return found


def _order(item: tuple[tuple[str, str], str]) -> tuple[int, str]:
    (name, part), _ = item
    return list(_COUNTED).index(name), part
