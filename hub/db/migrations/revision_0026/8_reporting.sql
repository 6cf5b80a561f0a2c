-- Views for BI tools. Their names and columns keep their meaning in later versions.

CREATE VIEW reporting.leads AS
SELECT l.id, l.first_name, l.last_name, l.email, l.phone, l.organization_name AS company,
       l.status, l.lead_source AS source, u.email AS owner_email, l.created_at,
       l.archived_at IS NOT NULL AS archived
FROM crm.lead l LEFT JOIN crm."user" u ON u.id = l.owner_id
WHERE l.merged_into IS NULL;

CREATE VIEW reporting.contacts AS
SELECT c.id, c.is_organization,
       CASE WHEN c.is_organization THEN c.organization_name
            ELSE concat_ws(' ', c.first_name, c.last_name) END AS name,
       c.email, c.company_id, u.email AS owner_email
FROM crm.contact c LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE c.merged_into IS NULL;

CREATE VIEW reporting.owners AS
SELECT u.id, u.email, u.name, u.is_active AS active,
       count(l.id) FILTER (WHERE l.merged_into IS NULL AND l.archived_at IS NULL) AS leads
FROM crm."user" u LEFT JOIN crm.lead l ON l.owner_id = u.id
GROUP BY u.id;

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
LEFT JOIN crm.reason ur ON ur.id = d.unqualified_reason_id;

CREATE VIEW reporting.assignments AS
SELECT t.id, t.lead_id, u.email AS owner_email, g.name AS group_name,
       t.rule || ': ' || t.reason AS reason, t.at
FROM ops.turn t LEFT JOIN crm."user" u ON u.id = t.user_id
LEFT JOIN crm.distribution_group g ON g.id = t.group_id;

CREATE VIEW reporting.alerts AS
SELECT a.id, a.lead_id, u.email AS owner_email, a.event, a.at
FROM crm.alert a JOIN crm."user" u ON u.id = a.user_id;

CREATE VIEW reporting.deliveries AS
SELECT d.message_id, d.channel, u.email AS owner_email, d.state, d.at
FROM ops.delivery d JOIN crm."user" u ON u.id = d.user_id;

-- What an object of a source is in the CRM. A ticket that was made a lead as well is a ticket.
CREATE VIEW reporting.source_records AS
SELECT h.source, h.stream, h.source_id,
       coalesce(s.kind, 'none') AS entity_kind, s.entity_id,
       coalesce(s.verdict, v.verdict) AS verdict
FROM landing.head h
LEFT JOIN LATERAL (
  SELECT CASE WHEN s.target = 'person' AND s.role = 'lead' THEN 'lead' ELSE s.target END AS kind,
         s.entity_id, s.verdict
  FROM ops.source_record s
  WHERE s.source = h.source AND s.stream = h.stream AND s.source_id = h.source_id
    AND s.target IN ('user', 'person', 'organisation', 'deal', 'ticket')
  ORDER BY s.target = 'ticket' DESC, s.target LIMIT 1
) s ON true
LEFT JOIN LATERAL (
  SELECT verdict FROM ops.verdict v
  WHERE v.source = h.source AND v.stream = h.stream AND v.source_id = h.source_id
    AND v.verdict IS NOT NULL
  ORDER BY (v.verdict = 'unchanged'), v.batch_id DESC LIMIT 1
) v ON true;

CREATE VIEW reporting.batches AS
SELECT id, kind, source, lane, state, started_at, finished_at, ledger FROM ops.batch;
