"""`reporting.*` says more of leads, contacts and deals; every column has its comment.

Columns are appended: those that were there keep their place, name and meaning.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_LEADS = """
CREATE OR REPLACE VIEW reporting.leads AS
SELECT l.id, l.first_name, l.last_name, l.email, l.phone, l.organization_name AS company,
       l.status, l.lead_source AS source, u.email AS owner_email, l.created_at,
       l.archived_at IS NOT NULL AS archived,
       l.converted_at IS NOT NULL AS converted, l.converted_at,
       CASE WHEN l.converted_at IS NOT NULL THEN coalesce(c.merged_into, c.id) END AS contact_id,
       coalesce(a.merged_into, a.id) AS company_id,
       l.unqualified_reason, l.first_response_at, l.last_activity_at, l.last_communication_at,
       l.next_task_at,
       ARRAY(SELECT jsonb_array_elements_text(
         CASE WHEN jsonb_typeof(l.tags) = 'array' THEN l.tags ELSE '[]' END)) AS tags
FROM crm.lead l LEFT JOIN crm."user" u ON u.id = l.owner_id
LEFT JOIN crm.contact c ON c.id = l.contact_id
LEFT JOIN crm.contact a ON a.id = l.account_id
WHERE l.merged_into IS NULL
"""
_CONTACTS = """
CREATE OR REPLACE VIEW reporting.contacts AS
SELECT c.id, c.is_organization,
       CASE WHEN c.is_organization THEN c.organization_name
            ELSE concat_ws(' ', c.first_name, c.last_name) END AS name,
       c.email, c.company_id, u.email AS owner_email,
       CASE WHEN c.is_organization THEN c.organization_name
            ELSE coalesce(a.organization_name, c.organization_name) END AS company,
       c.phone, c.customer_status, c.prospect_status, c.lead_source AS source, c.created_at,
       c.archived_at IS NOT NULL AS archived,
       c.last_activity_at, c.last_communication_at, c.next_task_at,
       ARRAY(SELECT jsonb_array_elements_text(
         CASE WHEN jsonb_typeof(c.tags) = 'array' THEN c.tags ELSE '[]' END)) AS tags
FROM crm.contact c LEFT JOIN crm."user" u ON u.id = c.owner_id
LEFT JOIN crm.contact a ON a.id = c.company_id
WHERE c.merged_into IS NULL
"""
_DEALS = """
CREATE OR REPLACE VIEW reporting.deals AS
SELECT d.id, d.name, p.name AS pipeline, s.name AS stage, s.category,
       d.value, d.currency, coalesce(d.customized_win_likelihood, s.likelihood) AS likelihood,
       round(d.value * coalesce(d.customized_win_likelihood, s.likelihood) / 100, 2)
         AS weighted_value,
       coalesce(c.merged_into, c.id) AS contact_id, coalesce(o.merged_into, o.id) AS company_id,
       u.email AS owner_email, d.source, d.is_hot AS hot, d.estimated_close_date,
       coalesce(lr.name, ur.name) AS reason, d.added_at, d.closed_at, d.last_stage_change_at,
       d.archived_at IS NOT NULL AS archived,
       o.organization_name AS company, d.lead_id, d.cloned_from,
       d.last_activity_at, d.last_communication_at, d.next_task_at,
       ARRAY(SELECT jsonb_array_elements_text(
         CASE WHEN jsonb_typeof(d.tags) = 'array' THEN d.tags ELSE '[]' END)) AS tags
FROM crm.deal d
JOIN crm.pipeline p ON p.id = d.pipeline_id
JOIN crm.stage s ON s.id = d.stage_id
JOIN crm.contact c ON c.id = d.contact_id
LEFT JOIN crm.contact o ON o.id = d.organization_id
LEFT JOIN crm."user" u ON u.id = d.owner_id
LEFT JOIN crm.reason lr ON lr.id = d.loss_reason_id
LEFT JOIN crm.reason ur ON ur.id = d.unqualified_reason_id
"""
_COMMENTS = """
COMMENT ON VIEW reporting.leads IS 'Leads, converted and archived ones included; a merged lead is its survivor';
COMMENT ON COLUMN reporting.leads.id IS 'number of the lead: lead/12';
COMMENT ON COLUMN reporting.leads.first_name IS 'first name';
COMMENT ON COLUMN reporting.leads.last_name IS 'last name';
COMMENT ON COLUMN reporting.leads.email IS 'e-mail address';
COMMENT ON COLUMN reporting.leads.phone IS 'telephone number, E.164 where it could be read';
COMMENT ON COLUMN reporting.leads.company IS 'name of the company, as the sources say it';
COMMENT ON COLUMN reporting.leads.status IS 'status';
COMMENT ON COLUMN reporting.leads.source IS 'where the lead comes from';
COMMENT ON COLUMN reporting.leads.owner_email IS 'address of the owner; null is nobody';
COMMENT ON COLUMN reporting.leads.created_at IS 'when the lead was made in its source';
COMMENT ON COLUMN reporting.leads.archived IS 'whether the lead is off all lists';
COMMENT ON COLUMN reporting.leads.converted IS 'whether the lead became a contact';
COMMENT ON COLUMN reporting.leads.converted_at IS 'when it became a contact';
COMMENT ON COLUMN reporting.leads.contact_id IS 'the contact that it became: reporting.contacts.id; null of an open lead';
COMMENT ON COLUMN reporting.leads.company_id IS 'the company where the person works: reporting.contacts.id';
COMMENT ON COLUMN reporting.leads.unqualified_reason IS 'why the lead is unqualified';
COMMENT ON COLUMN reporting.leads.first_response_at IS 'when somebody first answered';
COMMENT ON COLUMN reporting.leads.last_activity_at IS 'newest note, call, visit, message, ticket or completed task';
COMMENT ON COLUMN reporting.leads.last_communication_at IS 'newest call, visit, message or ticket';
COMMENT ON COLUMN reporting.leads.next_task_at IS 'when the next open task is due';
COMMENT ON COLUMN reporting.leads.tags IS 'tags; empty where there are none';
COMMENT ON VIEW reporting.contacts IS 'People and companies that are contacts; a merged contact is its survivor';
COMMENT ON COLUMN reporting.contacts.id IS 'number of the contact: contact/5';
COMMENT ON COLUMN reporting.contacts.is_organization IS 'whether the contact is a company';
COMMENT ON COLUMN reporting.contacts.name IS 'name of the person, or of the company';
COMMENT ON COLUMN reporting.contacts.email IS 'e-mail address';
COMMENT ON COLUMN reporting.contacts.company_id IS 'the company where the person works: reporting.contacts.id';
COMMENT ON COLUMN reporting.contacts.owner_email IS 'address of the owner; null is nobody';
COMMENT ON COLUMN reporting.contacts.company IS 'name of the company: of company_id, else as the sources say it; of a company its own';
COMMENT ON COLUMN reporting.contacts.phone IS 'telephone number, E.164 where it could be read';
COMMENT ON COLUMN reporting.contacts.customer_status IS 'none, current or past, by the deals';
COMMENT ON COLUMN reporting.contacts.prospect_status IS 'none, current or lost, by the deals';
COMMENT ON COLUMN reporting.contacts.source IS 'where the contact comes from';
COMMENT ON COLUMN reporting.contacts.created_at IS 'when the contact was made in its source';
COMMENT ON COLUMN reporting.contacts.archived IS 'whether the contact is off all lists';
COMMENT ON COLUMN reporting.contacts.last_activity_at IS 'newest note, call, visit, message, ticket or completed task; of a company its employees'' too';
COMMENT ON COLUMN reporting.contacts.last_communication_at IS 'newest call, visit, message or ticket; of a company its employees'' too';
COMMENT ON COLUMN reporting.contacts.next_task_at IS 'when the next open task is due; of a company its employees'' too';
COMMENT ON COLUMN reporting.contacts.tags IS 'tags; empty where there are none';
COMMENT ON VIEW reporting.deals IS 'Deals, archived ones included';
COMMENT ON COLUMN reporting.deals.id IS 'number of the deal: deal/7';
COMMENT ON COLUMN reporting.deals.name IS 'name';
COMMENT ON COLUMN reporting.deals.pipeline IS 'name of the pipeline';
COMMENT ON COLUMN reporting.deals.stage IS 'name of the stage';
COMMENT ON COLUMN reporting.deals.category IS 'incoming, in_progress, won, lost or unqualified: what the stage means';
COMMENT ON COLUMN reporting.deals.value IS 'amount, in currency';
COMMENT ON COLUMN reporting.deals.currency IS 'ISO 4217; sums of several currencies mean nothing';
COMMENT ON COLUMN reporting.deals.likelihood IS 'percent: the deal''s own, else its stage''s';
COMMENT ON COLUMN reporting.deals.weighted_value IS 'value times likelihood, in currency';
COMMENT ON COLUMN reporting.deals.contact_id IS 'primary contact: reporting.contacts.id';
COMMENT ON COLUMN reporting.deals.company_id IS 'company: reporting.contacts.id';
COMMENT ON COLUMN reporting.deals.owner_email IS 'address of the owner; null is nobody';
COMMENT ON COLUMN reporting.deals.source IS 'where the deal comes from';
COMMENT ON COLUMN reporting.deals.hot IS 'marked by the team';
COMMENT ON COLUMN reporting.deals.estimated_close_date IS 'the day on which it is expected to close';
COMMENT ON COLUMN reporting.deals.reason IS 'why it was lost or unqualified';
COMMENT ON COLUMN reporting.deals.added_at IS 'when it was added; may be dated back';
COMMENT ON COLUMN reporting.deals.closed_at IS 'when it was won, lost or unqualified';
COMMENT ON COLUMN reporting.deals.last_stage_change_at IS 'when it came into its stage';
COMMENT ON COLUMN reporting.deals.archived IS 'whether the deal is off all lists';
COMMENT ON COLUMN reporting.deals.company IS 'name of the company';
COMMENT ON COLUMN reporting.deals.lead_id IS 'the lead that became this deal: reporting.leads.id';
COMMENT ON COLUMN reporting.deals.cloned_from IS 'the deal of which it is a clone: reporting.deals.id';
COMMENT ON COLUMN reporting.deals.last_activity_at IS 'newest note, call, visit, message, ticket or completed task';
COMMENT ON COLUMN reporting.deals.last_communication_at IS 'newest call, visit, message or ticket';
COMMENT ON COLUMN reporting.deals.next_task_at IS 'when the next open task is due';
COMMENT ON COLUMN reporting.deals.tags IS 'tags; empty where there are none';
COMMENT ON VIEW reporting.owners IS 'Members of the team';
COMMENT ON COLUMN reporting.owners.id IS 'number of the member';
COMMENT ON COLUMN reporting.owners.email IS 'address; null of one whom only a source names';
COMMENT ON COLUMN reporting.owners.name IS 'name';
COMMENT ON COLUMN reporting.owners.active IS 'whether the member may act and gets records';
COMMENT ON COLUMN reporting.owners.leads IS 'leads owned, archived ones left out';
COMMENT ON VIEW reporting.assignments IS 'Who was given which lead, and why';
COMMENT ON COLUMN reporting.assignments.id IS 'number, in the order of the turns';
COMMENT ON COLUMN reporting.assignments.lead_id IS 'the lead: reporting.leads.id';
COMMENT ON COLUMN reporting.assignments.owner_email IS 'address of the new owner';
COMMENT ON COLUMN reporting.assignments.group_name IS 'the distribution group whose turn it was';
COMMENT ON COLUMN reporting.assignments.reason IS 'the routing rule, and why it applied';
COMMENT ON COLUMN reporting.assignments.at IS 'when';
COMMENT ON VIEW reporting.alerts IS 'Alerts in the hub';
COMMENT ON COLUMN reporting.alerts.id IS 'number of the alert';
COMMENT ON COLUMN reporting.alerts.lead_id IS 'the lead: reporting.leads.id; null of an alert on many records';
COMMENT ON COLUMN reporting.alerts.owner_email IS 'who was told';
COMMENT ON COLUMN reporting.alerts.event IS 'kind of event, as in hub.yaml under notify';
COMMENT ON COLUMN reporting.alerts.at IS 'when';
COMMENT ON VIEW reporting.deliveries IS 'Notifications by channel';
COMMENT ON COLUMN reporting.deliveries.message_id IS 'id of the message; the same on a second attempt';
COMMENT ON COLUMN reporting.deliveries.channel IS 'email or web';
COMMENT ON COLUMN reporting.deliveries.owner_email IS 'who was told';
COMMENT ON COLUMN reporting.deliveries.state IS 'what became of it';
COMMENT ON COLUMN reporting.deliveries.at IS 'when';
COMMENT ON VIEW reporting.source_records IS 'What became of each object of a source';
COMMENT ON COLUMN reporting.source_records.source IS 'source';
COMMENT ON COLUMN reporting.source_records.stream IS 'kind of object in the source';
COMMENT ON COLUMN reporting.source_records.source_id IS 'id in the source';
COMMENT ON COLUMN reporting.source_records.entity_kind IS 'lead, person, organisation, deal, ticket, user or none';
COMMENT ON COLUMN reporting.source_records.entity_id IS 'the person or company that the object belongs to';
COMMENT ON COLUMN reporting.source_records.verdict IS 'created, updated, unchanged, merged, excluded, rejected or deleted';
COMMENT ON VIEW reporting.batches IS 'What each run brought from each source';
COMMENT ON COLUMN reporting.batches.id IS 'number of the batch';
COMMENT ON COLUMN reporting.batches.kind IS 'sync, migration, live, retry, remap, undo and others';
COMMENT ON COLUMN reporting.batches.source IS 'source';
COMMENT ON COLUMN reporting.batches.lane IS 'bulk of an initial load, else live';
COMMENT ON COLUMN reporting.batches.state IS 'running, done, interrupted, undoing or undone';
COMMENT ON COLUMN reporting.batches.started_at IS 'when it began';
COMMENT ON COLUMN reporting.batches.finished_at IS 'when it ended';
COMMENT ON COLUMN reporting.batches.ledger IS 'counts by stream, as JSON';
COMMENT ON VIEW reporting.consents IS 'What stands for each address, channel and purpose';
COMMENT ON COLUMN reporting.consents.address IS 'e-mail address, or telephone number';
COMMENT ON COLUMN reporting.consents.channel IS 'email, phone or another channel';
COMMENT ON COLUMN reporting.consents.purpose IS 'what the person was asked about';
COMMENT ON COLUMN reporting.consents.state IS 'opt_in, opt_out and others: docs/consent.md';
COMMENT ON COLUMN reporting.consents.basis IS 'legal basis, as the source names it';
COMMENT ON COLUMN reporting.consents.at IS 'when it was said';
COMMENT ON COLUMN reporting.consents.source IS 'who says so';
COMMENT ON COLUMN reporting.consents.proof IS 'what proves it';
"""


def upgrade() -> None:
    """Append the columns, then say what each column holds."""
    for view in (_LEADS, _CONTACTS, _DEALS):
        op.execute(view)
    for statement in _COMMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
