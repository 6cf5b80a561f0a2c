"""Tables of schema `ops` about batches: windows, verdicts, undos."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    personal("windows", JSONB, nullable=False, server_default="{}"),
    personal("ledger", JSONB, nullable=False, server_default="{}"),
    Column("started_at", UTC, nullable=False, server_default=NOW),
    Column("finished_at", UTC),
    Column("runs", ARRAY(Text), nullable=False, server_default="{}"),  # of Dagster
    Column("undoes", BigInteger),  # of an undo: the batch that it undoes
    personal("who", Text),  # of an undo: the user who began it
    CheckConstraint(
        "state IN ('planned','running','partial','done','failed','undoing','undone')", name="state"
    ),
    Index(
        "one_open_read_a_source",
        "source",
        "kind",
        unique=True,
        postgresql_where=text("state IN ('running','partial') AND kind IN ('sync','migrate')"),
        info=because("one open read of a source; the next run finds it"),
    ),
    schema="ops",
)

# the report of each chunk of an undo, so that a killed undo goes on and its report is complete
undo_part = Table(
    "undo_part",
    metadata,
    Column("undo_id", BigInteger, ForeignKey("ops.batch.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    personal("report", JSONB, nullable=False),
    Column("stale", ARRAY(BigInteger), nullable=False, server_default="{}"),  # entities
    Column("at", UTC, nullable=False, server_default=NOW),
    schema="ops",
)

# what a user did to many records at once; its batch is of the kind `action`
bulk = Table(
    "bulk",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("ops.batch.id"), primary_key=True),
    Column("verb", Text, nullable=False),
    Column("kind", Text, nullable=False),
    personal("wanted", JSONB, nullable=False),
    CheckConstraint("kind IN ('lead','contact','deal')", name="kind"),
    schema="ops",
)

bulk_item = Table(
    "bulk_item",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("ops.bulk.batch_id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("record_id", BigInteger, nullable=False),
    Column("outcome", Text),  # NULL: nothing was done to the record yet
    personal("why", Text),
    personal("before", JSONB),
    personal("after", JSONB),
    personal("undone", Text),  # '': undone; else why the record stays as it is
    CheckConstraint("outcome IN ('changed','unchanged','refused')", name="outcome"),
    schema="ops",
)

verdict = Table(
    "verdict",
    metadata,
    Column("batch_id", BigInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    personal("source_id", Text, primary_key=True),
    Column("is_live", Boolean, nullable=False),
    Column("at", UTC),
    Column("verdict", Text),  # NULL: seen, without a verdict yet
    CheckConstraint(
        "verdict IN ('created','updated','unchanged','merged','excluded','rejected','deleted')",
        name="verdict",
    ),
    # No index holds the verdict, and a page has room for as many rows again: giving a verdict to an open
    # row writes no index entry (HOT).
    postgresql_with={"fillfactor": 50},
    schema="ops",
)

stage_report = Table(
    "stage_report",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("batch_id", BigInteger),
    Column("stage", Text, nullable=False),
    Column("source", Text),
    Column("stream", Text),
    Column("counts", JSONB, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("in_dagster", Boolean, nullable=False, server_default="false"),
    schema="ops",
)

# the state of a source or of a nightly job, as users were last alerted to it
alert_state = Table(
    "alert_state",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", UTC, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False, server_default="{}"),  # of the last alert
    Column("told_at", UTC),
    Column("told_n", BigInteger, nullable=False, server_default="0"),
    personal("unclosed", Text),  # the sentence of a run that failed before it closed a batch
    CheckConstraint("state IN ('ok','failed')", name="state"),
    schema="ops",
)
