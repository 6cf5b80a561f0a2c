"""Models of matching: all trained versions, and the one in use."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A trained model without its document.

    Args:
        version: its version.
        trained_at: when it was trained.
        is_active: whether it is in use.
    """

    version: str
    trained_at: datetime
    is_active: bool


def active(conn: Connection) -> dict[str, Any] | None:
    """Return the document of the model in use, None while it is the shipped one."""
    return conn.execute(
        text("SELECT document FROM ops.match_model WHERE is_active")
    ).scalar_one_or_none()


def every(conn: Connection) -> list[StoredModel]:
    """Return all trained models, the newest first."""
    rows = conn.execute(
        text("SELECT version, trained_at, is_active FROM ops.match_model ORDER BY id DESC")
    )
    return [StoredModel(*row) for row in rows]


def add(conn: Connection, document: Mapping[str, Any]) -> str:
    """Store a trained model, make it the one in use, and return its version.

    The version gets the number of the training. Judgements of the model before are stale now
    (`hub.records.derivations`).
    """
    number = conn.execute(
        text(
            "INSERT INTO ops.match_model (version, document) "
            "VALUES (gen_random_uuid()::text, '{}') RETURNING id"
        )
    ).scalar_one()
    version = f"{document['version']}-{number}"
    conn.execute(text("UPDATE ops.match_model SET is_active = false WHERE is_active"))
    conn.execute(
        text(
            "UPDATE ops.match_model SET version = :version, is_active = true, "
            "document = CAST(:document AS jsonb) WHERE id = :id"
        ),
        {
            "id": number,
            "version": version,
            "document": json.dumps({**document, "version": version}),
        },
    )
    return version
