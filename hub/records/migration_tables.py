"""Tables of schema `ops` about migrations: their ranges, and what a rehearsal found."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db.metadata import NOW, UTC, metadata, personal

# a batch of the kind `migrate`: when it was planned, rehearsed and applied
migration = Table(
    "migration",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("ops.batch.id"), primary_key=True),
    personal("who", Text, nullable=False),  # the user who began it
    Column("windows", JSONB, nullable=False, server_default="{}"),  # by stream: since, until
    Column("planned_at", UTC),  # every stream has its ranges
    Column("rehearsed_at", UTC),
    Column("applied_at", UTC),  # its records were handed to the stages
    Column("starts_at", UTC),  # from then on it runs by itself; NULL: by hand
    Column("waits_until", UTC),  # a quota is used up: it goes on by itself from then on
    # of a delta: the migration since which it moves what has changed; NULL: it moves everything
    Column("delta_of", BigInteger, ForeignKey("ops.batch.id")),
    Column("fields", JSONB, nullable=False, server_default="[]"),  # custom fields to define
    Column("defined", JSONB),  # those that it has defined or extended: before and after
    schema="ops",
)

# a part of a stream that is read, proven and retried alone: ids from `low`, before `high`
migration_range = Table(
    "migration_range",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("ops.migration.batch_id"), primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    personal("low", Text),
    personal("high", Text),
    Column("state", Text, nullable=False, server_default="open"),
    personal("cursor", JSONB),  # after the last page that was stored
    Column("planned_n", Integer),  # by the vendor, when the range was cut
    Column("counted", Integer),  # by the vendor, after the range was read; NULL: it cannot count
    Column("read_n", Integer, nullable=False, server_default="0"),  # distinct objects
    personal("reason", Text),  # why it is short or failed
    Column("updated_at", UTC, nullable=False, server_default=NOW),
    CheckConstraint("state IN ('open','proven','short','failed')", name="state"),
    schema="ops",
)

# what a rehearsal made of each object: `fields` is {name: [before, after]}
plan = Table(
    "plan",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("ops.migration.batch_id"), primary_key=True),
    Column("stream", Text, primary_key=True),
    personal("source_id", Text, primary_key=True),
    Column("verdict", Text),
    Column("kind", Text),  # lead, contact, company, deal, …; NULL: no row
    Column("is_new", Boolean, nullable=False),
    personal("owner", Text),
    personal("fields", JSONB, nullable=False),
    schema="ops",
)
