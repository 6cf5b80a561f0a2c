"""Rows that no source requires any more, and leads that their source has converted: by owner.

They remain, a user owns them, and no sync will update them: a user has to decide.
"""

from typing import Any

from sqlalchemy import Connection, text

from hub.reports.scope import Scope

# each kind reads a partial index of few rows, for any size of the table
_ROWS = text("""
WITH r AS (
  SELECT owner_id, lead_source AS source, unasked_since AS at, 'leads' AS what FROM crm.lead
  WHERE unasked_since IS NOT NULL AND archived_at IS NULL AND merged_into IS NULL
    AND converted_at IS NULL
  UNION ALL
  SELECT owner_id, lead_source, unasked_since, 'contacts' FROM crm.contact
  WHERE unasked_since IS NOT NULL AND archived_at IS NULL AND merged_into IS NULL
  UNION ALL
  SELECT owner_id, lead_source, source_converted_at, 'converted_in_source' FROM crm.lead
  WHERE source_converted_at IS NOT NULL AND archived_at IS NULL AND merged_into IS NULL
    AND converted_at IS NULL
)
SELECT u.email AS owner, count(*) FILTER (WHERE what = 'leads') AS leads,
       count(*) FILTER (WHERE what = 'contacts') AS contacts,
       count(*) FILTER (WHERE what = 'converted_in_source') AS converted_in_source,
       min(at) AS since
FROM r LEFT JOIN crm."user" u ON u.id = r.owner_id
WHERE (CAST(:owner AS bigint) IS NULL OR owner_id = :owner)
  AND (CAST(:source AS text) IS NULL OR source = :source)
  AND (CAST(:since AS timestamptz) IS NULL OR at >= :since AND at < :until)
GROUP BY u.email ORDER BY count(*) DESC, u.email NULLS FIRST
""")


def unasked(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return by owner the leads and contacts that no source requires, and since when the oldest.

    The period of the scope is that in which the sources ceased to ask.
    """
    rows = conn.execute(_ROWS, {"since": None, "until": None} | scope.args).mappings()
    return {**scope.head("unasked"), "is_exact": True, "by_owner": [dict(row) for row in rows]}
