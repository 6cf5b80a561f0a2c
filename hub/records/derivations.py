"""Which rules the stored data was derived with, and how much of it older rules derived.

Four derivations have one version for the whole database: the keys of records, the model that judges
pairs, the fold of entities, and their links. A row of `ops.derivation` says: rows with an id above
`until` were derived with `version` from the start; those up to `walked_to` were derived again; those
between were derived with an older version. The migration that made the table wrote version '' and
the rows of that time. Mappings have a version with each record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

# What each derivation makes something of. The matching queue takes people alone again.
_PEOPLE = text("""
SELECT count(*) FROM ops.source_record WHERE target = 'person' AND withdrawn_by IS NULL
  AND id > :after AND (CAST(:until AS bigint) IS NULL OR id <= :until)
""")
_ENTITIES = text("""
SELECT count(*) FROM ops.entity WHERE merged_into IS NULL
  AND id > :after AND (CAST(:until AS bigint) IS NULL OR id <= :until)
""")
_COUNTED = {"keys": _PEOPLE, "model": _PEOPLE, "fold": _ENTITIES, "links": _ENTITIES}


@dataclass(frozen=True, slots=True)
class Stale:
    """How many records older rules derived.

    Args:
        derivation: mapping, keys, model, fold or links.
        part: source/stream of a mapping, else "".
        version: of the rules in force.
        behind: records (keys, model, mapping) or entities (fold, links).
    """

    derivation: str
    part: str
    version: str
    behind: int


_DECLARE = text("""
UPDATE ops.derivation SET version = :version, since = now(), walked_to = 0, until = CASE
  WHEN version = '' THEN until
  WHEN name IN ('keys', 'model') THEN (SELECT coalesce(max(id), 0) FROM ops.source_record)
  ELSE (SELECT coalesce(max(id), 0) FROM ops.entity) END
WHERE name = :name AND version <> :version
""")


def declare(conn: Connection, versions: Mapping[str, str]) -> None:
    """Record the versions in force; what was derived with another version is stale from now on.

    Args:
        conn: a connection in a transaction.
        versions: by derivation.
    """
    rows = conn.execute(text("SELECT name, version FROM ops.derivation")).all()
    known = {row.name: row.version for row in rows}
    for name, version in versions.items():
        if known.get(name) != version:  # seldom, and every command asks: write only then
            conn.execute(_DECLARE, {"name": name, "version": version})


_QUEUED = text("""
UPDATE ops.derivation SET walked_to = until,
  version = CASE name WHEN 'model'
    THEN coalesce((SELECT version FROM ops.match_model WHERE is_active), version)
    ELSE version END
WHERE name IN ('keys', 'model')
""")


def matched_again(conn: Connection) -> None:
    """Note that every person's record is on the matching queue: its keys and edges come anew."""
    conn.execute(_QUEUED)


def stale(
    conn: Connection, versions: Mapping[str, str], mappings: Mapping[str, str]
) -> Sequence[Stale]:
    """Return what older rules derived, derivation by derivation; current ones have 0.

    Args:
        conn: a connection.
        versions: in force, by derivation.
        mappings: versions in force, by source/stream; streams without records are left out.
    """
    found = [Stale("mapping", *row) for row in _stale_mappings(conn, mappings)]
    rows = conn.execute(text("SELECT name, version, walked_to, until FROM ops.derivation")).all()
    known = {row.name: row for row in rows}
    for name, version in versions.items():
        row = known[name]
        # Of a version that no entry point has declared yet, everything stored is older.
        is_declared = row.version in {version, ""}
        after, until = (row.walked_to, row.until) if is_declared else (0, None)
        values = {"after": after, "until": until}
        behind = conn.execute(_COUNTED[name], values).scalar_one()
        found.append(Stale(name, "", version, behind))
    return found


_MAPPED = text("""
SELECT s.source || '/' || s.stream AS part, m.version,
       count(*) FILTER (WHERE s.mapping_version <> m.version) AS behind
FROM ops.source_record s
JOIN unnest(CAST(:parts AS text[]), CAST(:versions AS text[])) AS m (part, version)
  ON m.part = s.source || '/' || s.stream
WHERE s.gone_at IS NULL AND s.withdrawn_by IS NULL AND s.mapping_version <> 'by hand'
GROUP BY 1, 2 ORDER BY 1
""")


def _stale_mappings(conn: Connection, mappings: Mapping[str, str]) -> list[tuple[str, str, int]]:
    values = {"parts": list(mappings), "versions": list(mappings.values())}
    return [(row.part, row.version, row.behind) for row in conn.execute(_MAPPED, values)]
