"""Names of companies that a person is asked about. Owns `ops.company_question`.

A row is a member of a question: one record of a company whose name another company has too, if no
fact decides whether the two are one. The rows are a function of the records and of what people
decided. They are written whenever companies are placed, under the lock of companies.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, text

_FORGET = text("""
DELETE FROM ops.company_question q WHERE q.record_id = ANY(:ids) AND NOT EXISTS (
  SELECT 1 FROM unnest(CAST(:records AS bigint[]), CAST(:names AS text[])) AS n(record_id, name)
  WHERE n.record_id = q.record_id AND n.name = q.name)
""")
_ASK = text("""
INSERT INTO ops.company_question (record_id, name)
SELECT record_id, name
FROM unnest(CAST(:records AS bigint[]), CAST(:names AS text[])) AS n(record_id, name)
ON CONFLICT DO NOTHING
""")


def replace(conn: Connection, ids: Collection[int], asked: Mapping[int, str]) -> None:
    """Set the questions among records; one that is asked already keeps its date.

    Args:
        conn: under the lock of companies.
        ids: records, whose earlier questions go.
        asked: member of a question → the normalised name that is asked about.
    """
    args = {"records": list(asked), "names": list(asked.values())}
    conn.execute(_FORGET, {"ids": list(ids), **args})
    if asked:
        conn.execute(_ASK, args)


def members(conn: Connection, name: str) -> list[int]:
    """Return the records that represent the companies of a question; empty where none is asked."""
    rows = conn.execute(
        text("SELECT record_id FROM ops.company_question WHERE name = :name ORDER BY record_id"),
        {"name": name},
    )
    return list(rows.scalars())
