"""The table of renames and removals; only `hub.records.name_changes` writes it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Table, Text, text

from hub.db.metadata import UTC, metadata, personal

# a rename or a removal of a thing that has a name: a status, stage, tag, user, group, list, …
name_change = Table(
    "name_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    # of a stage its pipeline, of a custom field its record, of a user the e-mail address
    personal("scope", Text, nullable=False, server_default=""),
    Column("what", Text, nullable=False),
    personal("old", Text, nullable=False),
    personal("new", Text),  # of a thing that is renamed, or that another one replaces
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    CheckConstraint("what IN ('renamed','replaced','removed','restored')", name="what"),
    CheckConstraint("(new IS NOT NULL) = (what IN ('renamed','replaced'))", name="new"),
    schema="ops",
)
