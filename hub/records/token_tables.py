"""The table of API tokens; only `hub.records.tokens` writes it. A token itself is never stored."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, LargeBinary, Table, Text

from hub.db.metadata import NOW, UTC, metadata, personal

token = Table(
    "token",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    personal("made_by", Text, nullable=False),
    Column("made_at", UTC, nullable=False, server_default=NOW),
    Column("used_at", UTC),  # to the minute
    Column("revoked_at", UTC),
    CheckConstraint("scope IN ('ingest','hooks')", name="scope"),
    schema="ops",
)
