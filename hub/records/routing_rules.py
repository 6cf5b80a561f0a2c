"""Versions of the routing rules: each decision names the one that it followed.

A version is written when the first lead is assigned by it, and never changed. Not here: what rules mean
(`hub.routing.rules`).
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

_FIND = text("SELECT id FROM ops.routing_rules WHERE digest = :digest")
_ADD = text("""
INSERT INTO ops.routing_rules (digest, document) VALUES (:digest, CAST(:document AS jsonb))
ON CONFLICT (digest) DO NOTHING
""")


def version(conn: Connection, digest: str, document: Mapping[str, Any]) -> int:
    """Return the number of a version of the rules; a new one is written."""
    found = conn.execute(_FIND, {"digest": digest}).scalar()
    if found is None:
        conn.execute(_ADD, {"digest": digest, "document": json.dumps(document)})
        found = conn.execute(_FIND, {"digest": digest}).scalar_one()
    return int(found)
