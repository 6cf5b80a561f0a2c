"""Contacts that people keep, pipelines of renewals, and deals for BI tools."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DEALS = """
CREATE VIEW reporting.deals AS
SELECT d.id, d.name, p.name AS pipeline, s.name AS stage, s.category,
       d.value, d.currency, coalesce(d.customized_win_likelihood, s.likelihood) AS likelihood,
       round(d.value * coalesce(d.customized_win_likelihood, s.likelihood) / 100, 2)
         AS weighted_value,
       coalesce(c.merged_into, c.id) AS contact_id, coalesce(o.merged_into, o.id) AS company_id,
       u.email AS owner_email, d.source, d.is_hot AS hot, d.estimated_close_date,
       coalesce(lr.name, ur.name) AS reason, d.added_at, d.closed_at, d.last_stage_change_at,
       d.archived_at IS NOT NULL AS archived
FROM crm.deal d
JOIN crm.pipeline p ON p.id = d.pipeline_id
JOIN crm.stage s ON s.id = d.stage_id
JOIN crm.contact c ON c.id = d.contact_id
LEFT JOIN crm.contact o ON o.id = d.organization_id
LEFT JOIN crm."user" u ON u.id = d.owner_id
LEFT JOIN crm.reason lr ON lr.id = d.loss_reason_id
LEFT JOIN crm.reason ur ON ur.id = d.unqualified_reason_id
"""


def upgrade() -> None:
    """Add the columns and the view."""
    op.add_column(
        "contact",
        sa.Column("kept_by", sa.Text(), server_default="source", nullable=False),
        schema="crm",
    )
    op.create_check_constraint(
        op.f("ck_contact_kept_by"), "contact", "kept_by IN ('source','person')", schema="crm"
    )
    op.add_column(
        "pipeline",
        sa.Column("is_renewal", sa.Boolean(), server_default="false", nullable=False),
        schema="crm",
    )
    op.execute(_DEALS)
