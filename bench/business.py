"""Leads, deals and their moves by the thousand, one statement a table, spread over four years."""

from sqlalchemy import Connection, text

_STATEMENTS = (
    """
INSERT INTO ops.entity (kind, anchor_id, batch_id, lane)
SELECT 'person', -g, :mark, 'bulk' FROM generate_series(1, :leads) g ORDER BY g
""",
    """
INSERT INTO crm.lead (entity_id, last_name, lane, batch_id, lead_source, owner_id, status,
  created_at, first_response_at, converted_at)
SELECT e.id, 'Lead', 'bulk', :mark,
       (ARRAY['Web','Fair','Partner','Referral','Mail','Call','Ads','Shop'])[1 + e.id % 8],
       (SELECT min(id) FROM crm."user") + (e.id / 8) % :owners,
       (ARRAY['New','Working','Qualified','Unqualified'])[1 + e.id % 4],
       came, CASE WHEN e.id % 3 > 0 THEN came + (e.id * 7919 % 400000) * interval '1 second' END,
       CASE WHEN e.id % 5 = 0 THEN came + interval '9 days' END
FROM (SELECT id, timestamptz '2023-01-01' + (id * 48271 % 1460) * interval '1 day'
        + (id * 613 % 86400) * interval '1 second' AS came
      FROM ops.entity WHERE batch_id = :mark AND anchor_id < 0) e
ORDER BY e.id
""",
    """
INSERT INTO crm.deal (name, contact_id, owner_id, pipeline_id, stage_id, value, currency, source,
  added_at, closed_at, lead_id, loss_reason_id)
SELECT 'Deal', (SELECT min(id) FROM crm.contact), l.owner_id, 1, 1 + g % 7, 100 + g % 900, 'EUR',
       l.lead_source, l.created_at,
       CASE WHEN g % 7 > 3 THEN l.created_at + (20 + g % 90) * interval '1 day' END, l.id,
       CASE WHEN g % 7 = 6 THEN 1 + g % 4 END
FROM generate_series(1, :deals) g
JOIN crm.lead l ON l.id = g % :leads + (SELECT min(id) FROM crm.lead WHERE batch_id = :mark)
ORDER BY g
""",
    """
INSERT INTO crm.stage_transition (deal_id, from_stage_id, to_stage_id, who, at)
SELECT d.id, nullif(s - 1, 0), s, 'seed',
       d.added_at + (s - 1) * (1 + d.id % 20) * interval '17 hours'
FROM crm.deal d JOIN crm.lead l ON l.id = d.lead_id AND l.batch_id = :mark
CROSS JOIN LATERAL generate_series(1, least(d.stage_id, 5)) s
ORDER BY d.id, s
""",
)


def seed_business(conn: Connection, *, leads: int, deals: int, owners: int = 2) -> None:
    """Write so many rows; people, one contact and the first pipeline are there already."""
    mark = conn.execute(text("SELECT coalesce(max(batch_id), 1) + 1 FROM ops.entity")).scalar_one()
    for statement in _STATEMENTS:
        conn.execute(
            text(statement), {"mark": mark, "leads": leads, "deals": deals, "owners": owners}
        )
