"""What the fold of every record depends on beside the records: rules, and the sources' owners.

One statement reads both, since each chunk of load reads them again. Statuses and words:
`hub.crm.words`.
"""

from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.folding import LegacyOwner

_INPUTS = text("""
SELECT (SELECT document FROM ops.survivorship ORDER BY id DESC LIMIT 1) AS rules,
  ARRAY(SELECT jsonb_build_array(o.source, o.source_id, o.user_id, coalesce(u.is_active, false), o.is_queue)
        FROM crm.owner_identity o LEFT JOIN crm."user" u ON u.id = o.user_id) AS owners
""")


@dataclass(frozen=True, slots=True)
class FoldInputs:
    """What the fold reads.

    Args:
        rules: the document of survivorship in force; None until a user sets one.
        owners: (source, source id) → person, for every owner that a source named.
    """

    rules: dict[str, Any] | None
    owners: dict[tuple[str, str], LegacyOwner]


def fold_inputs(conn: Connection) -> FoldInputs:
    """Return what the fold reads beside records and edits."""
    row = conn.execute(_INPUTS).one()
    return FoldInputs(
        row.rules,
        {(o[0], o[1]): LegacyOwner(o[2], o[3], o[4]) for o in row.owners},
    )
