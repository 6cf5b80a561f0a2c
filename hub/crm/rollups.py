"""The rollups as a whole: compacted to one row a key, or computed again from the records.

Each is one statement and sees one snapshot: rows that a writer adds meanwhile stay.
"""

from sqlalchemy import Connection, text

from hub.crm import rollup_triggers as triggers
from hub.db.locks import rollup_lock

_LEAD_KEYS = "what, owner_id, source, status, is_converted, bucket, stage_id, currency"
_DEAL_KEYS = "owner_id, source, stage_id, reason_id, currency, month"
_STAGE_KEYS = "owner_id, source, stage_id, bucket"
_FOLDED = {
    "lead_rollup": (_LEAD_KEYS, ("n", "value")),
    "deal_rollup": (_DEAL_KEYS, ("n", "value", "own_value", "own_weighted")),
    "stage_rollup": (_STAGE_KEYS, ("entered", "advanced", "lost", "inside")),
}


def _fold(table: str) -> str:
    keys, sums = _FOLDED[table]
    added = ", ".join(f"sum({name})" for name in sums)
    kept = " OR ".join(f"sum({name}) <> 0" for name in sums)
    return (
        f"WITH gone AS (DELETE FROM ops.{table} RETURNING *) "  # noqa: S608 our own names
        f"INSERT INTO ops.{table} ({keys}, {', '.join(sums)}) "
        f"SELECT {keys}, {added} FROM gone GROUP BY {keys} HAVING {kept}"
    )


def _anew(table: str, insert: str) -> str:
    gone = f"WITH gone AS (DELETE FROM ops.{table}) "  # noqa: S608 our own names
    return gone + insert.strip()


_LEADS = triggers.COUNT_LEADS.format(
    rows=f"SELECT 1 AS sign, {triggers.LEAD_COLUMNS} FROM crm.lead WHERE {triggers.LEAD_LIVES}"  # noqa: S608
)
_WON = triggers.COUNT_WON.format(
    rows="SELECT 1 AS sign, l.owner_id, l.lead_source, d.stage_id, d.currency, d.value "  # noqa: S608
    "FROM crm.deal d CROSS JOIN LATERAL (SELECT owner_id, lead_source FROM crm.lead "
    f"WHERE id = d.lead_id AND {triggers.LEAD_LIVES} OFFSET 0) l WHERE d.archived_at IS NULL"
)
_DEALS = triggers.COUNT_DEALS.format(
    rows=f"SELECT 1 AS sign, {triggers.DEAL_COLUMNS} FROM crm.deal WHERE archived_at IS NULL"  # noqa: S608
)
_STAGES = triggers.COUNT_STAGES.format(
    moves="SELECT 1 AS sign, t.deal_id, d.owner_id, d.source, t.id, t.to_stage_id, t.at "
    "FROM crm.stage_transition t CROSS JOIN LATERAL (SELECT owner_id, source FROM crm.deal "
    "WHERE id = t.deal_id AND archived_at IS NULL OFFSET 0) d"
)
_ANEW = (
    f"WITH gone AS (DELETE FROM ops.lead_rollup), won AS ({_WON.strip()}) {_LEADS.strip()}",  # noqa: S608
    _anew("deal_rollup", _DEALS),
    _anew("stage_rollup", _STAGES),
)


def compact(conn: Connection) -> dict[str, int]:
    """Fold the rows of each key into one; returns the rows of each rollup."""
    rollup_lock(conn)
    return {name: conn.execute(text(_fold(name))).rowcount for name in _FOLDED}


def refresh(conn: Connection) -> dict[str, int]:
    """Compute everything again from leads, deals and transitions; returns the rows of each rollup.

    Needed after a stage was moved or its category changed; else it changes no count.
    """
    rollup_lock(conn)
    for statement in _ANEW:
        conn.execute(text(statement))
    return {name: conn.execute(text(_COUNT[name])).scalar_one() for name in _FOLDED}


_COUNT = {name: f"SELECT count(*) FROM ops.{name}" for name in _FOLDED}  # noqa: S608 our own names
