"""Tables of schema `ops` about sources: requests to an account, drift of a mapping."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from hub.db.metadata import NOW, UTC, metadata, personal

# what an account has asked of its vendor: one row a rate, and one ("day") for the account itself
budget = Table(
    "budget",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("requests", Integer, nullable=False, server_default="0"),
    Column("per_s", Float, nullable=False, server_default="0"),
    Column("log", ARRAY(UTC), nullable=False, server_default="{}"),
    Column("not_before", UTC),
    Column("used", BigInteger),
    Column("day_limit", BigInteger),
    Column("observed_at", UTC),
    schema="ops",
)

drift = Table(
    "drift",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    personal("value", Text, primary_key=True),  # a sample, shortened
    Column("n", BigInteger, nullable=False),
    Column("first_seen", UTC, nullable=False, server_default=NOW),
    Column("last_seen", UTC, nullable=False, server_default=NOW),
    CheckConstraint("kind IN ('field','value','type','placeholder')", name="kind"),
    schema="ops",
)
