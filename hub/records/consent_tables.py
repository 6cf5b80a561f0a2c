"""The table of consent events; only `hub.records.consents` writes it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)

from hub.db.metadata import NOW, UTC, because, metadata, personal

# an event of an address: from a raw version, from a user, or passed on from a person
consent_event = Table(
    "consent_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("raw_id", BigInteger, ForeignKey("landing.raw.id")),
    Column("origin_id", BigInteger, ForeignKey("ops.consent_event.id", ondelete="CASCADE")),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),  # the person that a user named
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False, server_default=""),
    personal("source_id", Text, nullable=False, server_default=""),
    personal("address", Text, nullable=False),  # in its normal form; "" where a person has none
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("basis", Text),
    personal("proof", Text),
    Column("at", UTC, nullable=False),
    Column("is_timed", Boolean, nullable=False, server_default=text("true")),  # by the vendor
    Column("voice", Text, nullable=False, server_default="sync"),
    Column("is_confirmed", Boolean, nullable=False, server_default=text("false")),
    Column("is_correction", Boolean, nullable=False, server_default=text("false")),
    Column("said_of", Text, nullable=False, server_default="address"),
    Column("mapping_version", Text, nullable=False, server_default=""),
    Column("disputed_by", Text),  # the mapping version that no longer reads this no
    personal("accepted_by", Text),  # the user who accepted that: the no is lifted
    personal("who", Text),
    personal("reason", Text),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    CheckConstraint("voice IN ('person','form','sync','import','team')", name="voice"),
    CheckConstraint("said_of IN ('address','person')", name="said_of"),
    Index(
        "consent_once", "raw_id", "address", "channel", "purpose", "state", unique=True,
        postgresql_where=text("origin_id IS NULL"),
        info=because("a raw version says a thing once, however often it is mapped"),
    ),
    Index(
        "consent_passed_once", "origin_id", "address", unique=True,
        info=because("an event is passed on to an address once"),
    ),
    Index(None, "address", info=because("what was said of an address: load, sending")),
    Index(None, "source", "stream", "source_id", info=because("what an object said: mapping again, erase")),
    Index(None, "entity_id", info=because("what a member of the team said of a person")),
    Index(
        "consent_of_person", "source", "stream", "source_id",
        postgresql_where=text("said_of = 'person' AND origin_id IS NULL"),
        info=because("what an object said of its person, to pass on to a new address"),
    ),
    schema="ops",
)  # fmt: skip
