"""Objects of erased people: their raw versions, quarantine, corrections and places in ledgers are emptied.

A raw version stays as a row: its batch, and when it landed. Its payload is replaced by a keyed
digest, its id by a name made of one. It counts as deleted and as undone, so no stage reads it
again. The object has no head any more. In the ledgers of its batches it keeps its verdict, under
the same name, so every ledger adds up as before; a verdict that was open is `excluded`. Not here:
what became of the objects (`hub.erase.rows`).
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, text

from hub.model.erasure import ErasureKey, TombstoneKind

Key = tuple[str, str, str]
"""Source, stream, the vendor's id of an object."""

_OBJECTS = """
unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:ids AS text[]),
       CAST(:names AS text[]), CAST(:digests AS bytea[]))
  AS o(source, stream, source_id, name, digest)
"""
_SAME = "t.source = o.source AND t.stream = o.stream AND t.source_id = o.source_id"
# the queue holds ids of raw rows at its first stage
_QUEUE = text(f"""
DELETE FROM ops.pending p USING landing.raw t, {_OBJECTS}
WHERE {_SAME} AND p.stage = 'normalize' AND p.ref = t.id
""")  # noqa: S608 our own text
_RAW = text(f"""
UPDATE landing.raw t SET source_id = o.name, op = 'delete', version = '', hash = o.digest,
  payload = NULL, body = o.digest, into_id = NULL, withdrawn_by = coalesce(t.withdrawn_by, t.batch_id)
FROM {_OBJECTS} WHERE {_SAME}
""")  # noqa: S608 our own text
_LEDGER = text(f"""
UPDATE ops.verdict t SET source_id = o.name, verdict = coalesce(t.verdict, 'excluded')
FROM {_OBJECTS} WHERE {_SAME} AND NOT EXISTS (
  SELECT 1 FROM ops.verdict v WHERE v.batch_id = t.batch_id AND v.source = t.source
    AND v.stream = t.stream AND v.source_id = o.name)
""")  # noqa: S608 our own text
# a migration that was read and not applied: its record keeps its place in the ledger, and nothing else
_PLANNED = text(f"""
UPDATE landing.planned t SET source_id = o.name, version = '', payload = NULL, body = '', into_id = NULL,
  is_blocked = true
FROM {_OBJECTS}, ops.batch b
WHERE b.id = t.batch_id AND b.source = o.source AND t.stream = o.stream AND t.source_id = o.source_id
""")  # noqa: S608 our own text
_PLAN = text(f"""
DELETE FROM ops.plan t USING {_OBJECTS}, ops.batch b
WHERE b.id = t.batch_id AND b.source = o.source AND t.stream = o.stream AND t.source_id = o.source_id
""")  # noqa: S608 our own text
# what came twice in one batch, before and after the erasure, counts once
_REST = {
    "landing.head": text(f"DELETE FROM landing.head t USING {_OBJECTS} WHERE {_SAME}"),  # noqa: S608
    "landing.quarantine": text(f"DELETE FROM landing.quarantine t USING {_OBJECTS} WHERE {_SAME}"),  # noqa: S608
    "landing.correction": text(f"DELETE FROM landing.correction t USING {_OBJECTS} WHERE {_SAME}"),  # noqa: S608
    "ops.verdict": text(f"DELETE FROM ops.verdict t USING {_OBJECTS} WHERE {_SAME}"),  # noqa: S608
}
_BLOCKED = text("""
INSERT INTO ops.verdict (batch_id, source, stream, source_id, is_live, at, verdict)
SELECT :batch, :source, :stream, name, is_live, at, 'excluded'
FROM unnest(CAST(:names AS text[]), CAST(:live AS boolean[]), CAST(:ats AS timestamptz[]))
  AS p(name, is_live, at)
ON CONFLICT (batch_id, source, stream, source_id) DO UPDATE
  SET is_live = excluded.is_live, at = excluded.at
""")


def forget(conn: Connection, key: ErasureKey, objects: Collection[Key]) -> dict[str, int]:
    """Empty everything that raw versions of objects have left; returns the rows by table.

    Args:
        conn: an open transaction.
        key: the key of the home.
        objects: the objects; a second call finds nothing.
    """
    if not objects:
        return {}
    wanted = sorted(objects)
    args = {
        "sources": [source for source, _, _ in wanted],
        "streams": [stream for _, stream, _ in wanted],
        "ids": [source_id for _, _, source_id in wanted],
        "names": [key.erased_id(*one) for one in wanted],
        "digests": [key.digest(TombstoneKind.RECORD, *one)[:16] for one in wanted],
    }
    done = {"ops.pending": conn.execute(_QUEUE, args).rowcount}
    done["landing.planned"] = conn.execute(_PLANNED, args).rowcount
    done["ops.plan"] = conn.execute(_PLAN, args).rowcount
    done["landing.raw"] = conn.execute(_RAW, args).rowcount
    done["ops.verdict"] = conn.execute(_LEDGER, args).rowcount
    for table, statement in _REST.items():
        done[table] = done.get(table, 0) + conn.execute(statement, args).rowcount
    return done


def enter_blocked(
    conn: Connection,
    blocked: Iterable[tuple[str, bool, object]],
    *,
    batch: int,
    source: str,
    stream: str,
) -> None:
    """Enter objects in the ledger that were kept out: `excluded`, under the names of erased objects.

    Args:
        conn: an open transaction.
        blocked: name, whether the object exists at its source, its time there; each name once.
        batch: the batch that was handed them.
        source: vendor name.
        stream: stream name.
    """
    rows = list(blocked)
    if rows:
        arrays = {
            "names": [name for name, _, _ in rows],
            "live": [is_live for _, is_live, _ in rows],
            "ats": [at for _, _, at in rows],
        }
        conn.execute(_BLOCKED, {"batch": batch, "source": source, "stream": stream, **arrays})


_REDACT = text("""
UPDATE landing.raw SET payload = CAST(:payload AS json), body = :body WHERE id = :id
""")


def replace_payload(
    conn: Connection, raw_id: int, *, payload: str | None, body: bytes | None
) -> None:
    """Store a raw version without the mentions of an erased person; its digest stays the vendor's."""
    conn.execute(_REDACT, {"id": raw_id, "payload": payload, "body": body})
