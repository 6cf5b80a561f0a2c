"""Companies among the entities: the keys that find them, their records, employments.

Written under the lock of companies (`hub.db.locks`). Not here: what a key is, and which records
are one company (`hub.matching.companies`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.entities import COMPANY_STREAMS
from hub.records import edges, match_keys
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
    """Return all records connected with some records by a key, a company, or a person's word.

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
        said = edges.decided(conn, frontier)
        reached |= {end for one in said if one.is_same for end in (one.a, one.b)}
        frontier = reached - members.keys()
    return members


# a hash that PostgreSQL promises to keep, since tables are cut into parts by it
_HASHED = "hashtextextended(n.key, 0)"
_FORGET_COMPANIES = text(f"""
DELETE FROM ops.company_key c WHERE c.entity_id = ANY(:ids) AND c.is_company AND NOT EXISTS (
  SELECT 1 FROM unnest(CAST(:e AS bigint[]), CAST(:k AS text[])) AS n(entity, key)
  WHERE n.entity = c.entity_id AND {_HASHED} = c.hash)
""")  # noqa: S608 our own text
_FORGET_LEADS = text(f"""
DELETE FROM ops.company_key c
USING unnest(CAST(:e AS bigint[]), CAST(:k AS text[])) AS n(entity, key)
WHERE c.hash = {_HASHED} AND NOT c.is_company AND c.entity_id = n.entity
""")  # noqa: S608 our own text
_ADD = text(f"""
INSERT INTO ops.company_key (hash, is_company, entity_id)
SELECT {_HASHED}, :c, n.entity
FROM unnest(CAST(:e AS bigint[]), CAST(:k AS text[])) AS n(entity, key) ON CONFLICT DO NOTHING
""")  # noqa: S608 our own text
Keys = Mapping[int, Collection[Key]]


def set_company_keys(conn: Connection, keys: Keys) -> None:
    """Store the keys of companies (entity → keys)."""
    conn.execute(_FORGET_COMPANIES, {"ids": list(keys), **_listed(keys)})
    conn.execute(_ADD, {"c": True, **_listed(keys)})


def set_lead_keys(conn: Connection, keys: Keys, before: Keys) -> None:
    """Store the company keys of leads (entity → keys).

    `before` has the keys of their present rows. An older key that is left proposes a person, who is
    compared and does not change.
    """
    gone = {i: set(own) - set(keys.get(i, ())) for i, own in before.items()}
    if any(gone.values()):
        conn.execute(_FORGET_LEADS, _listed(gone))
    if any(keys.values()):
        conn.execute(_ADD, {"c": False, **_listed(keys)})


def _listed(keys: Keys) -> dict[str, list[Any]]:
    rows = [(entity, f"{kind}={value}") for entity, own in keys.items() for kind, value in own]
    return {"e": [entity for entity, _ in rows], "k": [key for _, key in rows]}


_HAVING = text(f"""
SELECT DISTINCT n.entity, f.entity_id
FROM unnest(CAST(:e AS bigint[]), CAST(:k AS text[])) AS n(entity, key)
CROSS JOIN LATERAL (
  SELECT c.entity_id FROM ops.company_key c
  WHERE c.hash = {_HASHED} AND c.is_company
  ORDER BY c.entity_id LIMIT :most) f
""")  # noqa: S608 our own text


def having(
    conn: Connection, wanted: Mapping[int, Collection[Key]], most: int
) -> dict[int, list[int]]:
    """Return asker → the companies that share a key with it."""
    if not any(wanted.values()):
        return {}
    found: dict[int, list[int]] = {}
    for asker, company in conn.execute(_HAVING, {"most": most, **_listed(wanted)}):
        found.setdefault(asker, []).append(company)
    return found


def records_of(conn: Connection, company_ids: Collection[int]) -> dict[int, list[StoredRecord]]:
    """Return the records of companies that are still at their source; all records if none is."""
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


_HIRE = text(
    "INSERT INTO ops.employment (person_id, company_id, who, since) "
    "SELECT n.person, n.company, :who, CAST(:since AS timestamptz) "
    "FROM unnest(CAST(:people AS bigint[]), CAST(:companies AS bigint[])) "
    "WITH ORDINALITY AS n(person, company, ord) ORDER BY n.ord"
)


def hire(
    conn: Connection, employed: Mapping[int, int], who: str, since: datetime | None = None
) -> None:
    """Store that a user linked people to companies; the latest link of each counts.

    Args:
        conn: an open transaction.
        employed: person → company, both entities.
        who: who says so.
        since: from when on the person's activities count for the company; None: all of them.
    """
    args = {"people": list(employed), "companies": list(employed.values())}
    conn.execute(_HIRE, {**args, "who": who, "since": since})


_LEAVE = text("""
INSERT INTO ops.employment (person_id, company_id, who, since, until)
VALUES (:p, :c, :who, (
  SELECT since FROM ops.employment WHERE person_id = :p AND company_id = :c
  AND revoked_at IS NULL AND until IS NULL ORDER BY at DESC, id DESC LIMIT 1), :until)
""")


def leave(conn: Connection, person: int, company: int, who: str, until: datetime) -> None:
    """Store that a person left a company; what was done until then stays there."""
    conn.execute(_LEAVE, {"p": person, "c": company, "who": who, "until": until})


_TAKE_BACK = text("""
WITH last AS (
  SELECT * FROM ops.employment WHERE person_id = :p AND revoked_at IS NULL
  ORDER BY at DESC, id DESC LIMIT 1
)
UPDATE ops.employment k SET revoked_at = clock_timestamp() FROM last l
WHERE k.person_id = :p AND k.revoked_at IS NULL AND (k.id = l.id OR k.until = l.since)
RETURNING k.company_id
""")


def take_back(conn: Connection, person: int) -> list[int]:
    """Revoke the last link, unlink or change of a person; returns the companies that it named."""
    return list(conn.execute(_TAKE_BACK, {"p": person}).scalars())


_DISMISS = text(
    "UPDATE ops.employment e SET revoked_at = clock_timestamp() "
    "FROM unnest(CAST(:people AS bigint[]), CAST(:companies AS bigint[])) AS n(person, company) "
    "WHERE e.person_id = n.person AND e.company_id = n.company AND e.revoked_at IS NULL"
)


def dismiss(conn: Connection, employed: Mapping[int, int]) -> None:
    """Undo the links of people to companies (person → company)."""
    args = {"people": list(employed), "companies": list(employed.values())}
    conn.execute(_DISMISS, args)


# The link of a merged record counts for the survivor, on both sides.
_SAID = text(f"""
WITH RECURSIVE {WHOLE},
said AS (
  SELECT w.root, k.company_id, k.until IS NULL AS works, k.at, k.id
  FROM whole w CROSS JOIN LATERAL (
    SELECT * FROM ops.employment WHERE person_id = w.id AND revoked_at IS NULL OFFSET 0) k),
up AS (
  SELECT s.id AS said, e.id, e.merged_into FROM said s JOIN ops.entity e ON e.id = s.company_id
  UNION ALL
  SELECT u.said, e.id, e.merged_into FROM up u JOIN ops.entity e ON e.id = u.merged_into)
SELECT s.root, u.id AS company, s.works, s.at FROM said s
JOIN up u ON u.said = s.id AND u.merged_into IS NULL ORDER BY s.at, s.id
""")  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class Employment:
    """The employer of a person by users' choices.

    Args:
        company: the employer by the latest choice; None: no user chose one, or the person has left.
        at: the time of this choice.
        left: companies for which the person no longer works.
    """

    company: int | None
    at: datetime
    left: frozenset[int]


def employments(conn: Connection, person_ids: Sequence[int]) -> dict[int, Employment]:
    """Return person → employer by users' choices; people without a choice are left out."""
    if not person_ids:
        return {}
    words: dict[int, list[Any]] = {}
    for row in conn.execute(_SAID, {"ids": list(person_ids)}):
        words.setdefault(row.root, []).append(row)
    found: dict[int, Employment] = {}
    for person, rows in words.items():
        works = {row.company: row.works for row in rows}  # the latest word of each company
        last = rows[-1]
        left = frozenset(company for company, is_there in works.items() if not is_there)
        found[person] = Employment(last.company if last.works else None, last.at, left)
    return found


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
    """Return (source, id of a company there) → the company, if there is one.

    A company that the vendor merged counts as its survivor.
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
