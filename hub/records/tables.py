"""Tables of schema `ops`.

The two queues are `pending` (a record on its way to an entity) and `entity.version >
folded_version` (everything after). No table here is a third.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.db.metadata import (
    NOW,
    UTC,
    because,
    metadata,
    personal,
    where_present,
    without_statistics,
)
from hub.model.verdicts import Cause
from hub.records import company_tables, consent_tables, name_tables

_CAUSES = ",".join(f"'{cause}'" for cause in Cause)

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

consent_event = consent_tables.consent_event
company_question = company_tables.company_question
name_change = name_tables.name_change

change = Table(
    "change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
    Column("batch_id", BigInteger),
    personal("who", Text, nullable=False),
    personal("fields", JSONB, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    CheckConstraint("entity_id IS NOT NULL OR deal_id IS NOT NULL", name="of_something"),
    Index(None, "deal_id", info=because("the history of a deal")),
    Index(None, "entity_id", info=because("the history of a person or company")),
    schema="ops",
)

assignment = Table(
    "assignment",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id")),
    Column("group_id", BigInteger, ForeignKey("crm.distribution_group.id")),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),
    Column("rule", Text, nullable=False),
    personal("reason", Text, nullable=False),
    Column("skipped", JSONB, nullable=False, server_default="[]"),
    Column("next_before", BigInteger),
    Column("next_after", BigInteger),
    Column("at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    Column("withdrawn_by", BigInteger),  # the undo that took it back; its record may be gone
    CheckConstraint(
        "num_nonnulls(lead_id, contact_id, deal_id) = 1 "
        "OR withdrawn_by IS NOT NULL AND num_nonnulls(lead_id, contact_id, deal_id) = 0",
        name="of_one_record",
    ),
    where_present("contact_id", "why a contact has its owner; removal of a contact"),
    where_present("deal_id", "why a deal has its owner; removal of a deal"),
    Index(None, "lead_id", info=because("why a lead has its owner; removal of a lead")),
    Index(None, "user_id", info=because("the assignments of a user")),
    schema="ops",
)
