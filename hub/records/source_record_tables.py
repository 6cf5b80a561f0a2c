"""Tables of source records, their earlier versions, and of the queue in which they wait.

`pending` is the queue of records on their way to an entity. The other queue is `entity.version >
folded_version` (`entity_tables`). No table is a third.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal, without_statistics
from hub.model.verdicts import Cause

_CAUSES = ",".join(f"'{cause}'" for cause in Cause)

source_record = Table(
    "source_record",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("raw_id", BigInteger, nullable=False),  # of `landing.raw`, which keeps all its rows
    Column("batch_id", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("mapping_version", Text, nullable=False),
    Column("trust", Text, nullable=False),
    personal("canonical", JSONB, nullable=False),
    personal("canonical_hash", LargeBinary, nullable=False),
    personal("refs", JSONB, nullable=False, server_default="{}"),
    Column("source_at", UTC),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
    Column("joined_batch_id", BigInteger),
    Column("gone_at", UTC),
    Column("withdrawn_by", BigInteger),
    personal("alias_of", Text),
    Column("role", Text),  # of a person: lead, contact, or person (no row in the CRM)
    Column("gone_why", Text),  # set with gone_at: hub.model.verdicts.Cause
    Column("left_entity_id", BigInteger),  # the entity that it was in before
    # the hashes of its keys in `match_key`, so that these need no index by record; NULL: none
    personal("match_keys", ARRAY(BigInteger)),
    Index(
        "source_record_alias",
        "source",
        "stream",
        "alias_of",
        postgresql_where=text("alias_of IS NOT NULL"),
        info=because("finds the objects that the vendor merged into one"),
    ),
    Index(
        "source_record_key",
        "source",
        "stream",
        "source_id",
        "target",
        unique=True,
        info=because("the key of a record: normalize writes by it, matching finds named objects"),
    ),
    Index(
        "source_record_entity",
        "entity_id",
        postgresql_where=text("entity_id IS NOT NULL"),
        info=because("finds the records of an entity: load, matching, undo"),
    ),
    Index(
        "source_record_left",
        "left_entity_id",
        postgresql_where=text("left_entity_id IS NOT NULL"),
        info=because("load asks who left an entity"),
    ),
    CheckConstraint(f"gone_why IN ({_CAUSES})", name="gone_why"),
    CheckConstraint("(gone_at IS NULL) = (gone_why IS NULL)", name="gone_has_a_cause"),
    Index(
        "source_record_company",
        "source",
        text("(refs ->> 'company')"),
        postgresql_where=text("(refs ->> 'company') IS NOT NULL"),
        info=because("a company that arrives finds who works for it"),
    ),
    Index(
        "source_record_requester",
        "source",
        text("(refs ->> 'requester')"),
        postgresql_where=text("(refs ->> 'requester') IS NOT NULL"),
        info=because("a person who arrives finds the tickets that name it"),
    ),
    # A page has room for its rows again: when matching gives a record its entity, the new version stays
    # on the page, and the log has only what differs.
    postgresql_with={"fillfactor": 45},
    schema="ops",
)

without_statistics(source_record, "canonical", "canonical_hash", "refs", "match_keys")

# earlier versions of a record, before a newer raw version replaced it: an undo restores them
record_version = Table(
    "record_version",
    metadata,
    Column("record_id", BigInteger, ForeignKey("ops.source_record.id"), primary_key=True),
    Column("replaced_by", BigInteger, primary_key=True),  # the raw row
    Column("raw_id", BigInteger, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("mapping_version", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Column("role", Text),
    personal("canonical", JSONB, nullable=False),
    personal("canonical_hash", LargeBinary, nullable=False),
    personal("refs", JSONB, nullable=False),
    Column("source_at", UTC),
    Column("gone_at", UTC),
    Column("withdrawn_by", BigInteger),
    personal("alias_of", Text),
    Column("gone_why", Text),
    CheckConstraint(f"gone_why IN ({_CAUSES})", name="gone_why"),
    CheckConstraint("(gone_at IS NULL) = (gone_why IS NULL)", name="gone_has_a_cause"),
    schema="ops",
)

without_statistics(record_version, "canonical", "canonical_hash", "refs")

pending = Table(
    "pending",
    metadata,
    Column("stage", Text, primary_key=True),
    Column("ref", BigInteger, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("since", UTC, nullable=False, server_default=NOW),
    CheckConstraint(
        "stage IN ('normalize','match','companies','owners','tickets','deals','activities',"
        "'derive people','derive deals')",
        name="stage",
    ),
    Index(
        "pending_live",
        "stage",
        "ref",
        postgresql_where=text("lane = 'live'"),
        info=because("the live records of a stage, which come before the bulk ones"),
    ),
    schema="ops",
)

# an object that a record names and that is not there: the record is loaded again when it comes
wanted = Table(
    "wanted",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    personal("source_id", Text, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("ops.source_record.id"), primary_key=True),
    Index(None, "record_id", info=because("a record that is loaded again says anew what it wants")),
    schema="ops",
)

derivation = Table(
    "derivation",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("since", UTC, nullable=False, server_default=NOW),
    Column("walked_to", BigInteger, nullable=False, server_default="0"),
    Column("until", BigInteger, nullable=False),
    Column("part", Text, primary_key=True, server_default=""),  # source/stream of a mapping
    CheckConstraint("name IN ('mapping','keys','model','fold','links')", name="name"),
    schema="ops",
)
