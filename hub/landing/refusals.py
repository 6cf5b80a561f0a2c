"""What the mappings refused in one batch, summed up: which field, why, how often, with one example.

Reads `landing.quarantine`.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class Refusals:
    """Values of one field that were refused for one reason.

    Args:
        stream: of the source.
        field: of the CRM; "" for whole records.
        reason: why.
        severity: field (the value was left out) or record (the record was).
        n: how many.
        source_id: of one of them.
        value: of the same.
    """

    stream: str
    field: str
    reason: str
    severity: str
    n: int
    source_id: str
    value: str

    def document(self) -> dict[str, JsonValue]:
        """Return it as `--json` shows it."""
        return {
            "stream": self.stream,
            "field": self.field,
            "reason": self.reason,
            "severity": self.severity,
            "count": self.n,
            "example": {"source_id": self.source_id, "value": self.value},
        }


_OF_BATCH = text("""
SELECT stream, field, reason, severity, count(*) AS n,
  (array_agg(source_id ORDER BY id))[1] AS source_id, (array_agg(value ORDER BY id))[1] AS value
FROM landing.quarantine WHERE batch_id = :batch
GROUP BY stream, field, reason, severity ORDER BY severity = 'field', n DESC, stream, field, reason
LIMIT :limit
""")
_MOST = 200


def of_batch(conn: Connection, batch_id: int) -> list[Refusals]:
    """Return what was refused in a batch, whole records first, then the most frequent; 200 at most."""
    rows = conn.execute(_OF_BATCH, {"batch": batch_id, "limit": _MOST})
    return [Refusals(*row) for row in rows]
