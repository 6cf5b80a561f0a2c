"""Tables of entities, and of what users and rules say of them.

`entity.version > folded_version` is the queue of load: entities whose inputs changed.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal

entity = Table(
    "entity",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # a UUID of version 7: ordered by time, so that new entities go into one page of its index
    Column(
        "public_id",
        Text,
        nullable=False,
        unique=True,
        server_default=text(
            "overlay(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') "
            "PLACING '-' FROM 9 FOR 0) || '-7' || substr(gen_random_uuid()::text, 16)"
        ),
    ),
    Column("kind", Text, nullable=False),
    Column("anchor_id", BigInteger, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("merged_into", BigInteger, ForeignKey("ops.entity.id")),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("folded_version", BigInteger, nullable=False, server_default="0"),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    # up to this version only the hub's own rules made the entity stale: its fold sends no single alerts
    Column("quiet_version", BigInteger, nullable=False, server_default="0"),
    Index(
        "entity_behind",
        "id",
        postgresql_where=text("version > folded_version"),
        info=because("the queue of load"),
    ),
    Index(
        None,
        "merged_into",
        postgresql_where=text("merged_into IS NOT NULL"),
        info=because("fold, undo and merge of an entity look for the entities merged into it"),
    ),
    Index(
        "entity_lost",
        "anchor_id",
        postgresql_where=text("merged_into IS NOT NULL"),
        info=because("a record that is matched again asks for merged entities that began with it"),
    ),
    schema="ops",
)

# employments by a user's word; those of sources are in the refs of their records
employment = Table(
    "employment",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False),
    Column("company_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False),
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    Column("revoked_at", UTC),
    # the activities of this time count for the company; NULL: from the beginning, and until now
    Column("since", UTC),
    Column("until", UTC),  # set: the person no longer works there
    Index(None, "person_id", info=because("load asks for the employers of a person")),
    Index(None, "company_id", info=because("undo and erase ask for the employees of a company")),
    schema="ops",
)

survivorship = Table(
    "survivorship",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("since", UTC, nullable=False, server_default=NOW),
    schema="ops",
)

edit = Table(
    "edit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False),
    Column("field", Text, nullable=False),
    personal("value", JSONB, nullable=False),
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("revoked_at", UTC),
    Index(None, "entity_id", info=because("load asks for the edits of an entity")),
    schema="ops",
)
