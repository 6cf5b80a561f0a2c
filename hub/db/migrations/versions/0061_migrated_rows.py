"""Deals and activities that come with a source's records; parents of companies; waiting relations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_FROM_SOURCE = ("deal", "task", "call", "visit", "message")


def upgrade() -> None:
    """Add the columns, the table of what records wait for, and two stages of the queue."""
    for table in _FROM_SOURCE:
        op.add_column(table, sa.Column("record_id", sa.BigInteger), schema="crm")
        op.add_column(table, sa.Column("given", JSONB), schema="crm")
        op.create_unique_constraint(
            op.f(f"uq_{table}_record_id"), table, ["record_id"], schema="crm"
        )
        _refer(table, "record_id", "source_record", "ops")
    op.add_column("note", sa.Column("given", JSONB), schema="crm")
    for table in ("deal_contact", "stage_transition"):
        flag = sa.Column("is_from_source", sa.Boolean, nullable=False, server_default="false")
        op.add_column(table, flag, schema="crm")
    for table in ("outcome", "reason"):
        op.add_column(table, sa.Column("batch_id", sa.BigInteger), schema="crm")
    op.add_column("conversion", sa.Column("record_id", sa.BigInteger), schema="crm")
    _refer("conversion", "record_id", "source_record", "ops")
    _find("conversion", "record_id")
    op.add_column("contact", sa.Column("parent_id", sa.BigInteger), schema="crm")
    _refer("contact", "parent_id", "contact", "crm")
    _find("contact", "parent_id")
    op.create_table(
        "wanted",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.BigInteger, primary_key=True),
        schema="ops",
    )
    _refer("wanted", "record_id", "source_record", "ops", schema="ops")
    op.create_index(op.f("ix_wanted_record_id"), "wanted", ["record_id"], schema="ops")
    op.drop_constraint(op.f("ck_pending_stage"), "pending", schema="ops")
    op.create_check_constraint(
        op.f("ck_pending_stage"),
        "pending",
        "stage IN ('normalize','match','companies','owners','tickets','deals','activities')",
        schema="ops",
    )


def _refer(table: str, column: str, to: str, to_schema: str, schema: str = "crm") -> None:
    op.create_foreign_key(
        op.f(f"fk_{table}_{column}_{to}"),
        table,
        to,
        [column],
        ["id"],
        source_schema=schema,
        referent_schema=to_schema,
    )


def _find(table: str, column: str) -> None:
    op.create_index(
        op.f(f"ix_{table}_{column}"),
        table,
        [column],
        schema="crm",
        postgresql_where=sa.text(f"{column} IS NOT NULL"),
    )
