"""Companies among the entities: the keys that find them, their records, who works for whom.

Written under the lock of companies (`hub.db.locks`). Not here: what a key is, and which records
are one company (`hub.matching.companies`).
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.model.entities import COMPANY_STREAMS
from hub.records import match_keys
from hub.records.entities import WHOLE
from hub.records.identity import StoredRecord, load_records

ORGANISATION = "organisation"
Key = tuple[str, str]


_BESIDE = text("""
SELECT o.id FROM ops.source_record s
JOIN ops.source_record o ON o.entity_id = s.entity_id AND o.target = 'organisation'
WHERE s.id = ANY(:ids)
""")


def component(
    conn: Connection, keys: Mapping[int, Sequence[int]], most: int
) -> dict[int, StoredRecord]:
    """Return all records connected with some records by a key or a company, these included.

    Args:
        conn: under the lock of companies.
        keys: the records, with the hashes of the keys that they have now.
        most: a key that more records share connects nothing.
    """
    members: dict[int, StoredRecord] = {}
    frontier = set(keys)
    while frontier:
        members |= load_records(conn, frontier)
        hashes = {
            hash_
            for i in frontier
            for hash_ in (keys[i] if i in keys else members[i].match_keys or ())
        }
        found = match_keys.holders(conn, dict.fromkeys(hashes, most)).blocks
        reached = {record for block in found.values() for record in block or ()}
        reached |= set(conn.execute(_BESIDE, {"ids": list(frontier)}).scalars())
        frontier = reached - members.keys()
    return members


_FORGET = text("""
DELETE FROM ops.company_key c WHERE c.entity_id = ANY(:ids) AND NOT EXISTS (
  SELECT 1 FROM unnest(CAST(:e AS bigint[]), CAST(:k AS text[]), CAST(:v AS text[]))
  AS n(e, k, v) WHERE n.e = c.entity_id AND n.k = c.kind AND n.v = c.value)
""")
_ADD = text("""
INSERT INTO ops.company_key (entity_id, kind, value, is_company)
SELECT e, k, v, :c FROM unnest(CAST(:e AS bigint[]), CAST(:k AS text[]), CAST(:v AS text[]))
  AS n(e, k, v) ON CONFLICT DO NOTHING
""")


def set_keys(
    conn: Connection,
    keys: Mapping[int, Collection[Key]],
    *,
    is_company: bool,
    new: Collection[int] = frozenset(),
) -> None:
    """Set by what companies are found, or what leads say of their company (entity → keys).

    `new` are entities that have no keys yet.
    """
    rows = [(entity, kind, value) for entity, own in keys.items() for kind, value in own]
    args = {"e": [r[0] for r in rows], "k": [r[1] for r in rows], "v": [r[2] for r in rows]}
    if known := [entity for entity in keys if entity not in new]:
        conn.execute(_FORGET, {**args, "ids": known})
    if rows:
        conn.execute(_ADD, {**args, "c": is_company})


_HAVING = text("""
SELECT DISTINCT n.asker, f.entity_id
FROM unnest(CAST(:a AS bigint[]), CAST(:k AS text[]), CAST(:v AS text[])) AS n(asker, kind, value)
CROSS JOIN LATERAL (
  SELECT c.entity_id FROM ops.company_key c
  WHERE c.kind = n.kind AND c.value = n.value AND c.is_company
  ORDER BY c.entity_id LIMIT :most) f
""")


def having(
    conn: Connection, wanted: Mapping[int, Collection[Key]], most: int
) -> dict[int, list[int]]:
    """Return asker → the companies that share a key with it."""
    rows = [(asker, kind, value) for asker, own in wanted.items() for kind, value in own]
    if not rows:
        return {}
    found: dict[int, list[int]] = {}
    args = {
        "a": [r[0] for r in rows],
        "k": [r[1] for r in rows],
        "v": [r[2] for r in rows],
        "most": most,
    }
    for asker, company in conn.execute(_HAVING, args):
        found.setdefault(asker, []).append(company)
    return found


def records_of(conn: Connection, company_ids: Collection[int]) -> dict[int, list[StoredRecord]]:
    """Return the records of companies that are still at their source; all, if none is."""
    rows = conn.execute(
        text(
            "SELECT id FROM ops.source_record WHERE entity_id = ANY(:ids) "
            "AND target = 'organisation' AND withdrawn_by IS NULL"
        ),
        {"ids": list(company_ids)},
    )
    found: dict[int, list[StoredRecord]] = {}
    for record in load_records(conn, rows.scalars()).values():
        if record.entity_id is not None:
            found.setdefault(record.entity_id, []).append(record)
    return {e: [r for r in own if not r.is_gone] or own for e, own in found.items()}


def hire(conn: Connection, person: int, company: int, who: str) -> None:
    """Keep that a person works for a company by somebody's word; the latest word counts."""
    conn.execute(
        text("INSERT INTO ops.employment (person_id, company_id, who) VALUES (:p, :c, :who)"),
        {"p": person, "c": company, "who": who},
    )


def dismiss(conn: Connection, person: int, company: int) -> None:
    """Take back what was said of a person and a company."""
    conn.execute(
        text(
            "UPDATE ops.employment SET revoked_at = clock_timestamp() "
            "WHERE person_id = :p AND company_id = :c AND revoked_at IS NULL"
        ),
        {"p": person, "c": company},
    )


# What was said of a record that was merged counts for the survivor, on both sides.
_EMPLOYERS = text(f"""
WITH RECURSIVE {WHOLE},
said AS (
  SELECT DISTINCT ON (w.root) w.root, k.company_id
  FROM whole w JOIN ops.employment k ON k.person_id = w.id AND k.revoked_at IS NULL
  ORDER BY w.root, k.at DESC, k.id DESC),
up AS (
  SELECT s.root, e.id, e.merged_into FROM said s JOIN ops.entity e ON e.id = s.company_id
  UNION ALL
  SELECT u.root, e.id, e.merged_into FROM up u JOIN ops.entity e ON e.id = u.merged_into)
SELECT root, id FROM up WHERE merged_into IS NULL
""")  # noqa: S608 our own text


def employers(conn: Connection, person_ids: Sequence[int]) -> dict[int, int]:
    """Return person → the company that people say they work for."""
    if not person_ids:
        return {}
    return {row[0]: row[1] for row in conn.execute(_EMPLOYERS, {"ids": list(person_ids)})}


_NAMED = text("""
WITH RECURSIVE standing AS (
  SELECT n.ord, r.*
  FROM unnest(CAST(:o AS int[]), CAST(:s AS text[]), CAST(:t AS text[]), CAST(:i AS text[]))
    AS n(ord, source, stream, source_id)
  CROSS JOIN LATERAL (
    SELECT r.source, r.stream, r.entity_id, r.gone_at, r.alias_of FROM ops.source_record r
    WHERE r.source = n.source AND r.stream = n.stream AND r.source_id = n.source_id
      AND r.target = 'organisation' AND r.withdrawn_by IS NULL OFFSET 0) r
  UNION
  SELECT n.ord, r.* FROM standing n
  CROSS JOIN LATERAL (
    SELECT r.source, r.stream, r.entity_id, r.gone_at, r.alias_of FROM ops.source_record r
    WHERE r.source = n.source AND r.stream = n.stream AND r.source_id = n.alias_of
      AND r.target = 'organisation' AND r.withdrawn_by IS NULL OFFSET 0) r
  WHERE n.gone_at IS NOT NULL
)
SELECT ord, entity_id FROM standing WHERE gone_at IS NULL AND entity_id IS NOT NULL
""")


def named(conn: Connection, refs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return (source, id of a company there) → the company, where it has one.

    A company that the vendor merged stands for the one that is left at the end.
    """
    known = [ref for ref in dict.fromkeys(refs) if ref[0] in COMPANY_STREAMS]
    if not known:
        return {}
    args = {
        "o": list(range(len(known))),
        "s": [source for source, _ in known],
        "t": [COMPANY_STREAMS[source] for source, _ in known],
        "i": [source_id for _, source_id in known],
    }
    return {known[row[0]]: row[1] for row in conn.execute(_NAMED, args)}
