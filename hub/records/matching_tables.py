"""Tables of matching: keys, judgements of pairs, models."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal

# The keys of records: a hash of kind and value (`hub.matching.key_hash`), and its record. A record
# has some twenty: no foreign key, which would lock the record for each, and one index, which is the key.
# `letters` with a nameless key are those of the last name (`hub.matching.letters`), with another key that is
# not a person's own an outline of the employer (`hub.matching.employers`); NULL: nothing is known.
match_key = Table(
    "match_key",
    metadata,
    personal("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", BigInteger, primary_key=True),
    personal("letters", BigInteger),
    schema="ops",
)

# Keys of companies, and company keys of leads: a hash each, as in `match_key`. A key only proposes a pair,
# so two keys with one hash do no harm.
company_key = Table(
    "company_key",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("is_company", Boolean, primary_key=True),
    Column("entity_id", BigInteger, primary_key=True),
    Index(
        "company_key_own",
        "entity_id",
        postgresql_where=text("is_company"),
        info=because("the keys of a company: whom it concerns, and what it is found by no more"),
    ),
    schema="ops",
)

edge = Table(
    "edge",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("a", BigInteger, ForeignKey("ops.source_record.id"), nullable=False),
    Column("b", BigInteger, ForeignKey("ops.source_record.id"), nullable=False),
    Column("judgement", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    Column("made_by", Text, nullable=False),
    Column("made_at", UTC, nullable=False, server_default=NOW),
    Column("revoked_at", UTC),
    CheckConstraint("a < b", name="ordered"),
    CheckConstraint("judgement IN ('same','different','unsure')", name="judgement"),
    Index(
        "edge_held",
        "a",
        "b",
        postgresql_where=text("made_by = 'held' AND revoked_at IS NULL"),
        info=because("finds the pairs that are held apart without reading all edges"),
    ),
    Index(
        "edge_pair",
        "a",
        "b",
        "made_by",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
        info=because("one valid judgement of a pair by each judge; finds the edges of a record"),
    ),
    Index(None, "b", info=because("finds the edges of a record from its other side")),
    schema="ops",
)

review = Table(
    "review",
    metadata,
    Column("a", BigInteger, ForeignKey("ops.source_record.id"), primary_key=True),
    Column("b", BigInteger, ForeignKey("ops.source_record.id"), primary_key=True),
    Column("weight", Float, nullable=False),
    Column("made_at", UTC, nullable=False, server_default=NOW),
    Column("decided_at", UTC),
    Column("decision", Text),
    CheckConstraint("a < b", name="ordered"),
    Index(None, "b", info=because("finds the reviews of a record from its other side")),
    schema="ops",
)

match_model = Table(
    "match_model",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("version", Text, nullable=False, unique=True),
    personal("document", JSONB, nullable=False),  # its facts hold frequent names and numbers
    Column("trained_at", UTC, nullable=False, server_default=NOW),
    Column("is_active", Boolean, nullable=False, server_default=text("false")),
    Index(
        "one_active_model",
        "is_active",
        unique=True,
        postgresql_where=text("is_active"),
        info=because("at most one model is active"),
    ),
    schema="ops",
)
