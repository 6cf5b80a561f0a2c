"""Tables of schema `crm`: what a team sets up once; lists, fields, links, layouts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present

_OBJECTS = "object IN ('lead','person','company','deal')"
_TYPES = (
    "'number','string','text','bool','date','datetime','email','phone','url','address','list',"
    "'multi_select_list'"
)

lead_status = Table(
    "lead_status",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_unqualified", Boolean, nullable=False, server_default="false"),
    Index(
        "lead_status_name",
        text("lower(name)"),
        unique=True,
        info=because("one status a name; finds it by the name"),
    ),
    schema="crm",
)

# where leads and deals come from, as people choose it; the sources' own words are kept on the row
record_source = Table(
    "record_source",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    CheckConstraint("kind IN ('lead','deal')", name="kind"),
    Index(
        "record_source_name",
        "kind",
        text("lower(name)"),
        unique=True,
        info=because("one origin a name; finds it by the name"),
    ),
    schema="crm",
)

# words that records hold as text: a kept list holds the number, a renamed word points to today's
word = Table(
    "word",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("scope", Text, nullable=False, server_default=""),  # of a choice: object.key
    Column("name", Text, nullable=False),
    Column("into_id", BigInteger, ForeignKey("crm.word.id")),
    Column("is_removed", Boolean, nullable=False, server_default="false"),
    CheckConstraint("kind IN ('tag','source','choice','status','lead_reason')", name="kind"),
    Index(
        "word_name",
        "kind",
        "scope",
        "name",
        unique=True,
        info=because("one number a word; finds it by the word"),
    ),
    where_present("into_id", "the former names of a word"),
    schema="crm",
)

# `key` is the name inside custom_fields; `section` and `position` give its place on a page
custom_field = Table(
    "custom_field",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("object", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("choices", JSONB, nullable=False, server_default="[]"),
    Column("is_filterable", Boolean, nullable=False, server_default="true"),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    CheckConstraint(_OBJECTS, name="object"),
    CheckConstraint(f"type IN ({_TYPES})", name="type"),
    Index(
        "custom_field_key",
        "object",
        "key",
        unique=True,
        info=because("one field a key; finds it by the key"),
    ),
    Index(
        "custom_field_name",
        "object",
        text("lower(name)"),
        unique=True,
        info=because("one field a name; finds it by the name"),
    ),
    schema="crm",
)

layout = Table(
    "layout",
    metadata,
    Column("object", Text, primary_key=True),
    Column("sections", JSONB, nullable=False),  # [{"name", "fields": [name]}]
    CheckConstraint(_OBJECTS, name="object"),
    schema="crm",
)

smart_link = Table(
    "smart_link",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("object", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("template", Text, nullable=False),
    CheckConstraint(_OBJECTS, name="object"),
    Index(
        "smart_link_name",
        "object",
        text("lower(name)"),
        unique=True,
        info=because("one link a name; finds it by the name"),
    ),
    schema="crm",
)

smart_list = Table(
    "smart_list",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("object", Text, nullable=False),
    Column("name", Text, nullable=False),
    personal("filter", JSONB, nullable=False),
    Column("sort", JSONB, nullable=False, server_default="[]"),
    Column("columns", JSONB, nullable=False, server_default="[]"),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),  # none: the team's
    Column("is_shared", Boolean, nullable=False, server_default="false"),
    Column("is_template", Boolean, nullable=False, server_default="false"),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    CheckConstraint(_OBJECTS, name="object"),
    Index(None, "user_id", info=because("removal of a user asks for its lists")),
    Index(
        "smart_list_name",
        "object",
        text("coalesce(user_id, 0)"),
        text("lower(name)"),
        unique=True,
        info=because("one list of a user a name; finds it by the name"),
    ),
    schema="crm",
)
