"""Tables of schema `landing`.

`raw` is append-only. `head` is the narrow pointer to the newest raw row of each source object:
with it one anti-join finds the changed records, and the count of distinct objects is exact.
Payloads are `json`, not `jsonb`: `json` keeps the text as sent, accepts NUL and lone surrogate
escapes, and lands 3.5 times faster (measured). A payload that is not JSON is stored in `body`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal

raw = Table(
    "raw",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("batch_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    Column("op", Text, nullable=False),
    Column("at", UTC),
    Column("version", Text, nullable=False),
    personal("hash", LargeBinary, nullable=False),
    personal("payload", JSON(none_as_null=True)),
    personal("into_id", Text),
    Column("landed_at", UTC, nullable=False, server_default=NOW),
    personal("body", LargeBinary),
    Column("withdrawn_by", BigInteger),  # the undo that took this row back
    CheckConstraint("(payload IS NULL) <> (body IS NULL)", name="payload_or_body"),
    Index(
        None,
        "source",
        "stream",
        "source_id",
        "id",
        info=because("finds the versions of an object: undo, erase, consents"),
    ),
    Index(None, "batch_id", info=because("finds what a batch brought: undo, retry")),
    schema="landing",
)

head = Table(
    "head",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    personal("source_id", Text, primary_key=True),
    Column("raw_id", BigInteger, nullable=False),  # of `raw`, by the statement that lands it
    personal("hash", LargeBinary, nullable=False),
    Column("op", Text, nullable=False),
    schema="landing",
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("slice", Text, primary_key=True, server_default=""),
    personal("cursor", JSONB, nullable=False),
    Column("updated_at", UTC, nullable=False, server_default=NOW),
    schema="landing",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("batch_id", BigInteger, nullable=False),
    Column("raw_id", BigInteger, ForeignKey("landing.raw.id")),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    Column("mapping_version", Text, nullable=False, server_default=""),
    Column("field", Text, nullable=False),
    personal("value", Text, nullable=False),
    personal("reason", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("retryable", Boolean, nullable=False, server_default="true"),
    Column("created_at", UTC, nullable=False, server_default=NOW),
    Column("resolved_at", UTC),
    Index(None, "raw_id", info=because("retry and fix ask for the rows of a raw version")),
    Index(None, "source", "stream", "source_id", info=because("a mapped object closes its rows")),
    schema="landing",
)

# values that a person corrected; they apply whenever a record's same content is delivered
correction = Table(
    "correction",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    personal("hash", LargeBinary, nullable=False),
    Column("quarantine_id", BigInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("path", Text, nullable=False),
    personal("value", JSONB, nullable=False),
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Index(
        None,
        "source",
        "stream",
        "source_id",
        info=because("mapping asks for the corrections of its objects"),
    ),
    schema="landing",
)

# records that a migration has read and not yet handed to the stages; no other part of the hub reads them
planned = Table(
    "planned",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("batch_id", BigInteger, nullable=False),
    Column("stream", Text, nullable=False),
    Column("key", Text, nullable=False),  # of the range that it was read with
    personal("source_id", Text, nullable=False),
    Column("op", Text, nullable=False),
    Column("at", UTC),
    personal("version", Text, nullable=False),
    personal("payload", Text),
    personal("body", LargeBinary),  # in place of a payload that is no text
    personal("into_id", Text),
    # the object is an erased person's: it has a made-up id and no content, and only the ledger counts it
    Column("is_blocked", Boolean, nullable=False, server_default="false"),
    CheckConstraint("(payload IS NULL) <> (body IS NULL)", name="payload_or_body"),
    Index(
        None, "batch_id", "stream", "id", info=because("a batch hands over its records in order")
    ),
    schema="landing",
)

# what sources sent by themselves and no worker has landed yet; a landed row is deleted
inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("received_at", UTC, nullable=False, server_default=NOW),
    Column("source", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("kind", Text, nullable=False),  # the source's own word for the event
    Column("stream", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of the delivery's key
    Column("at", UTC),  # the source's time of the event
    # the record to land; of a hint the event, and the record is read again from the source
    personal("body", LargeBinary, nullable=False),
    Column("version", Text, nullable=False),  # of the record, as in `raw`
    Column("is_record", Boolean, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UTC, nullable=False, server_default=NOW),
    Column("last_error", Text),
    Column("dead_at", UTC),  # no worker tries it again
    CheckConstraint("door IN ('hook','form','lead')", name="door"),
    Index(
        "inbox_waiting",
        "next_at",
        "id",
        postgresql_where=text("dead_at IS NULL"),
        info=because("the next deliveries to land"),
    ),
    schema="landing",
)

# deliveries of the last weeks, so that one that comes again changes nothing
seen_delivery = Table(
    "seen_delivery",
    metadata,
    Column("source", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("at", UTC, nullable=False, server_default=NOW),
    Index(
        "seen_delivery_at",
        "at",
        postgresql_using="brin",
        info=because("each night old rows are deleted"),
    ),
    schema="landing",
)

# the request by which a version came, of versions that a source sent by itself
arrival = Table(
    "arrival",
    metadata,
    Column("raw_id", BigInteger, primary_key=True, autoincrement=False),
    Column("correlation_id", Text, nullable=False),
    Column("received_at", UTC, nullable=False),
    schema="landing",
)
