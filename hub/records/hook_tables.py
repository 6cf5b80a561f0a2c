"""The tables of subscriptions: who is sent which event, and what is still to be sent.

Only `hub.records.subscriptions` and `hub.records.hook_deliveries` write them. No row holds a value of a person: a delivery
names its record by number. The secret of a subscription is in no table (`hub.records.hook_key`).
"""

from sqlalchemy import (
    BigInteger,
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

_EVENTS = "'lead.created','lead.assigned','lead.converted','deal.stage_changed'"

subscription = Table(
    "subscription",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", Text, nullable=False),
    Column("url", Text, nullable=False),  # may contain a secret of the receiver
    Column("token_id", BigInteger, ForeignKey("ops.token.id")),  # of the API; none: a user
    personal("made_by", Text, nullable=False),
    Column("made_at", UTC, nullable=False, server_default=NOW),
    Column("removed_at", UTC),
    Column("removed_why", Text),
    Column("secret_version", Integer, nullable=False, server_default="1"),
    # the receiver is left alone until then; the longest waiting one has the next turn
    Column("not_before", UTC, nullable=False, server_default=NOW),
    Column("failures", Integer, nullable=False, server_default="0"),  # one after the other
    Column("delivered_at", UTC),
    Column("last_error", Text),
    CheckConstraint(f"event IN ({_EVENTS})", name="event"),
    Index(
        "subscription_in_force",
        "event",
        postgresql_where=text("removed_at IS NULL"),
        info=because("who is sent an event: asked with each event"),
    ),
    Index(
        None,
        "token_id",
        postgresql_where=text("token_id IS NOT NULL"),
        info=because("the subscriptions of a token: it lists and removes its own alone"),
    ),
    schema="ops",
)

hook_delivery = Table(
    "hook_delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subscription_id", BigInteger, ForeignKey("ops.subscription.id"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("lead_id", BigInteger),  # the row may be gone
    Column("deal_id", BigInteger),
    Column("facts", JSONB, nullable=False, server_default="{}"),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UTC, nullable=False, server_default=NOW),
    Column("give_up_from", UTC, nullable=False, server_default=NOW),  # when the attempts began
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("done_at", UTC),
    CheckConstraint("state IN ('pending','done','dead','dropped')", name="state"),
    CheckConstraint("num_nonnulls(lead_id, deal_id) = 1", name="record"),
    Index(
        "hook_delivery_pending",
        "subscription_id",
        "not_before",
        "id",
        postgresql_where=text("state = 'pending'"),
        info=because("the next deliveries of a subscription"),
    ),
    Index(
        "hook_delivery_dead",
        "subscription_id",
        "id",
        postgresql_where=text("state = 'dead'"),
        info=because("what was given up: counted, listed and replayed"),
    ),
    Index(
        "hook_delivery_newest",
        "subscription_id",
        "id",
        info=because("the newest deliveries of a subscription"),
    ),
    where_present("lead_id", "erase ends what is still to be sent of a person"),
    schema="ops",
)
