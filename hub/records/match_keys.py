"""Match keys: by what records are found. Owns `ops.match_key`; written only under the identity lock."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text


def replace_keys(
    conn: Connection, keys: Sequence[tuple[int, str, str]], ids: Sequence[int]
) -> None:
    """Set the match keys of records: (record, kind, value) each."""
    conn.execute(text("DELETE FROM ops.match_key WHERE record_id = ANY(:ids)"), {"ids": list(ids)})
    if keys:
        conn.execute(
            text(
                "INSERT INTO ops.match_key (record_id, kind, value) "
                "SELECT * FROM unnest(CAST(:r AS bigint[]), CAST(:k AS text[]), CAST(:v AS text[])) "
                "ON CONFLICT DO NOTHING"
            ),
            {"r": [k[0] for k in keys], "k": [k[1] for k in keys], "v": [k[2] for k in keys]},
        )


# A key that more records share than its kind may have says nothing; the count is bounded too.
# Probed key by key: a join would read the whole table for one new record.
_CANDIDATES = text("""
WITH limits AS (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:limits AS int[])) AS l(kind, most)),
     mine AS (SELECT k.record_id, k.kind, k.value, coalesce(l.most, :cap) AS most
              FROM ops.match_key k LEFT JOIN limits l USING (kind) WHERE k.record_id = ANY(:ids))
SELECT DISTINCT mine.record_id, other
FROM mine
CROSS JOIN LATERAL (
  SELECT array_agg(record_id) AS found FROM (
    SELECT k.record_id FROM ops.match_key k
    WHERE k.kind = mine.kind AND k.value = mine.value LIMIT mine.most + 1) c
  HAVING count(*) <= mine.most) shared
CROSS JOIN LATERAL unnest(shared.found) AS other
WHERE other <> mine.record_id
""")


def candidate_pairs(
    conn: Connection, ids: Sequence[int], *, cap: int, limits: Mapping[str, int]
) -> set[tuple[int, int]]:
    """Return pairs (low id, high id) that share a key and touch one of `ids`.

    Args:
        conn: in the matching transaction.
        ids: records.
        cap: how many records may share a key.
        limits: the same for kinds that differ from it.
    """
    rows = conn.execute(
        _CANDIDATES,
        {"ids": list(ids), "cap": cap, "kinds": list(limits), "limits": list(limits.values())},
    )
    return {(min(a, b), max(a, b)) for a, b in rows}


Key = tuple[str, str]
_CROWDED = text("""
SELECT k.kind, k.value FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]),
                                   CAST(:limits AS int[])) AS k(kind, value, most)
WHERE (SELECT count(*) FROM (SELECT 1 FROM ops.match_key m
       WHERE m.kind = k.kind AND m.value = k.value LIMIT k.most + 1) c) > k.most
""")


def keys_of(conn: Connection, ids: Sequence[int]) -> set[Key]:
    """Return the keys that records have now."""
    rows = conn.execute(
        text("SELECT DISTINCT kind, value FROM ops.match_key WHERE record_id = ANY(:ids)"),
        {"ids": list(ids)},
    )
    return {(row.kind, row.value) for row in rows}


def crowded(conn: Connection, limits: Mapping[Key, int]) -> set[Key]:
    """Return those of the keys that more records share than the limit beside each."""
    rows = conn.execute(
        _CROWDED,
        {
            "kinds": [k for k, _ in limits],
            "values": [v for _, v in limits],
            "limits": list(limits.values()),
        },
    )
    return {(row.kind, row.value) for row in rows}


def sharers(conn: Connection, keys: Iterable[Key]) -> set[int]:
    """Return the records that have one of the keys."""
    wanted = list(keys)
    rows = conn.execute(
        text(
            "SELECT DISTINCT m.record_id FROM ops.match_key m "
            "JOIN unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS k(kind, value) "
            "USING (kind, value)"
        ),
        {"kinds": [k for k, _ in wanted], "values": [v for _, v in wanted]},
    )
    return set(rows.scalars())
