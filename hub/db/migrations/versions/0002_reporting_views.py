"""Reporting views: the stable interface for BI tools; columns never change their meaning."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_VIEWS = (
    """
CREATE VIEW reporting.leads AS
SELECT l.id, l.first_name, l.last_name, l.email, l.phone, l.organization_name AS company,
       l.status, l.lead_source AS source, u.email AS owner_email, l.created_at,
       l.archived_at IS NOT NULL AS archived
FROM crm.lead l LEFT JOIN crm."user" u ON u.id = l.owner_id
WHERE l.merged_into IS NULL
""",
    """
CREATE VIEW reporting.owners AS
SELECT u.id, u.email, u.name, u.is_active AS active,
       count(l.id) FILTER (WHERE l.merged_into IS NULL AND l.archived_at IS NULL) AS leads
FROM crm."user" u LEFT JOIN crm.lead l ON l.owner_id = u.id
GROUP BY u.id
""",
    """
CREATE VIEW reporting.assignments AS
SELECT t.id, t.lead_id, u.email AS owner_email, g.name AS group_name,
       t.rule || ': ' || t.reason AS reason, t.at
FROM ops.turn t LEFT JOIN crm."user" u ON u.id = t.user_id
LEFT JOIN crm.distribution_group g ON g.id = t.group_id
""",
    """
CREATE VIEW reporting.alerts AS
SELECT a.id, a.lead_id, u.email AS owner_email, a.event, a.at
FROM crm.alert a JOIN crm."user" u ON u.id = a.user_id
""",
    """
CREATE VIEW reporting.deliveries AS
SELECT d.message_id, d.channel, u.email AS owner_email, d.state, d.at
FROM ops.delivery d JOIN crm."user" u ON u.id = d.user_id
""",
    """
CREATE VIEW reporting.source_records AS
SELECT h.source, h.stream, h.source_id,
       coalesce(s.target, 'none') AS entity_kind, s.entity_id,
       coalesce(s.verdict, v.verdict) AS verdict
FROM landing.head h
LEFT JOIN LATERAL (
  SELECT target, entity_id, verdict FROM ops.source_record s
  WHERE s.source = h.source AND s.stream = h.stream AND s.source_id = h.source_id
    AND s.target IN ('lead', 'user', 'person', 'organisation', 'deal', 'ticket')
  ORDER BY s.target LIMIT 1
) s ON true
LEFT JOIN LATERAL (
  SELECT verdict FROM ops.verdict v
  WHERE v.source = h.source AND v.stream = h.stream AND v.source_id = h.source_id
    AND v.verdict IS NOT NULL
  ORDER BY (v.verdict = 'unchanged'), v.batch_id DESC LIMIT 1
) v ON true
""",
    """
CREATE VIEW reporting.batches AS
SELECT id, kind, source, lane, state, started_at, finished_at, ledger FROM ops.batch
""",
)


def upgrade() -> None:
    """Create the views."""
    for view in _VIEWS:
        op.execute(view)
