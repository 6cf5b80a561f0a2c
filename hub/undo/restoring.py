"""The undo of a batch's records: records, raw versions, heads.

A record that the batch created is taken out. A record that it changed gets its earlier values again
(`ops.record_version`). The raw rows stay and are marked, so that no head points to them. Not here:
rows of the CRM (`hub.crm.removal`), and which records go (`hub.undo.piles`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.model.records import JsonValue
from hub.records import sources
from hub.records.history import append_changes
from hub.undo.inputs import KEYS, RAWS_OF_KEYS, UNMARKED, Key, key_arrays

_LOCK_HEADS = text(f"""
SELECT 1 FROM landing.head h JOIN {KEYS} USING (source, stream, source_id)
ORDER BY h.source, h.stream, h.source_id FOR NO KEY UPDATE OF h
""")  # noqa: S608 our own text


def lock_heads(conn: Connection, keys: Sequence[Key]) -> None:
    """Lock the heads of objects: no newer version of them can land until the transaction ends."""
    conn.execute(_LOCK_HEADS, key_arrays(keys))


def mark_undone(conn: Connection, record_ids: Sequence[int], undo_id: int) -> None:
    """Take records out, until their source sends them again."""
    sources.take_out(conn, record_ids, undo_id)


_MARK_RAWS = """
WITH marked AS (
  UPDATE landing.raw u SET withdrawn_by = :undo FROM (
    SELECT r.id FROM {raws} {where}
  ) f WHERE u.id = f.id
  RETURNING u.id, u.source, u.stream, u.source_id
), closed AS (
  UPDATE landing.quarantine q SET resolved_at = now() FROM marked m
  WHERE q.raw_id = m.id AND q.resolved_at IS NULL
), before AS (
  SELECT m.source, m.stream, m.source_id, p.id, p.hash, p.op
  FROM (SELECT DISTINCT source, stream, source_id FROM marked) m
  LEFT JOIN LATERAL (
    SELECT r.id, r.hash, r.op FROM landing.raw r
    WHERE r.source = m.source AND r.stream = m.stream AND r.source_id = m.source_id
      AND r.withdrawn_by IS NULL AND r.id NOT IN (SELECT id FROM marked)
    ORDER BY r.id DESC LIMIT 1) p ON true
), pointed AS (
  UPDATE landing.head h SET raw_id = b.id, hash = b.hash, op = b.op FROM before b
  WHERE b.id IS NOT NULL
    AND h.source = b.source AND h.stream = b.stream AND h.source_id = b.source_id
)
DELETE FROM landing.head h USING before b
WHERE b.id IS NULL AND h.source = b.source AND h.stream = b.stream AND h.source_id = b.source_id
"""
_MARK_LATEST = text(
    _MARK_RAWS.format(
        raws=RAWS_OF_KEYS, where="WHERE r.batch_id = :batch AND r.withdrawn_by IS NULL"
    )
)
_MARK_UNMARKED = text(_MARK_RAWS.format(raws=RAWS_OF_KEYS, where=UNMARKED))


def mark_raws_undone(
    conn: Connection, batch_id: int, undo_id: int, keys: Sequence[Key], *, are_latest: bool = False
) -> None:
    """Mark the batch's raw rows of objects, and point each object's head to the version before.

    An object without one has no head: it lands again when the source is read from the beginning,
    changed or not. Its quarantine is closed.

    Args:
        conn: an open transaction.
        batch_id: the batch.
        undo_id: the batch that the undo is.
        keys: the objects.
        are_latest: they have records, and no later batch has read them; else those that do not are left out.
    """
    mark = _MARK_LATEST if are_latest else _MARK_UNMARKED
    conn.execute(mark, {"batch": batch_id, "undo": undo_id, **key_arrays(keys)})


def note_undone(conn: Connection, who: str, entity_ids: Sequence[int], batch_id: int) -> None:
    """Note in the history of entities that a batch was undone."""
    said: dict[str, JsonValue] = {"undone": {"old": batch_id, "new": None}}
    append_changes(conn, who, dict.fromkeys(sorted(set(entity_ids)), said))
