"""The activities that count for a company: its own, and those of its people while they worked there.

A person's activities count for the company that they work for, from the day on which they began there. What
was done before an employer changed stays with the company of that time. A lead that became the company
itself, without a person, counts as a whole.
"""

STAFF = """
own AS (
  SELECT id AS target, id AS member FROM unnest(CAST(:ids AS bigint[])) AS t(id)
  UNION SELECT o.target, m.id FROM own o CROSS JOIN LATERAL (
    SELECT id FROM ops.entity WHERE merged_into = o.member OFFSET 0) m
), firm AS (
  SELECT o.target, o.member, c.id FROM own o CROSS JOIN LATERAL (
    SELECT id FROM crm.contact WHERE entity_id = o.member AND is_organization OFFSET 0) c
), staff(target, member, since, until) AS (
  (SELECT f.target, e.entity_id, coalesce(k.since, '-infinity'), timestamptz 'infinity' FROM firm f
   CROSS JOIN LATERAL (
     SELECT entity_id FROM crm.contact WHERE company_id = f.id AND merged_into IS NULL OFFSET 0) e
   LEFT JOIN LATERAL (
     SELECT since FROM ops.employment WHERE person_id = e.entity_id AND revoked_at IS NULL
     ORDER BY at DESC, id DESC LIMIT 1) k ON true
   UNION
   SELECT f.target, k.person_id, coalesce(k.since, '-infinity'), k.until FROM firm f
   CROSS JOIN LATERAL (
     SELECT * FROM ops.employment WHERE company_id = f.member AND revoked_at IS NULL
     AND until IS NOT NULL OFFSET 0) k
   UNION
   SELECT f.target, l.entity_id, timestamptz '-infinity', timestamptz 'infinity' FROM firm f
   CROSS JOIN LATERAL (
     SELECT entity_id FROM crm.lead WHERE contact_id = f.id AND converted_at IS NOT NULL OFFSET 0) l)
  UNION SELECT s.target, m.id, s.since, s.until FROM staff s CROSS JOIN LATERAL (
    SELECT id FROM ops.entity WHERE merged_into = s.member OFFSET 0) m
), whole AS (
  SELECT target, member, timestamptz '-infinity' AS since, timestamptz 'infinity' AS until FROM own
  UNION SELECT target, member, since, until FROM staff
)
"""
"""SQL: the entities `ids`, each with all whose activities count for it, and from when until when.

Write WITH RECURSIVE before it. Each look-up ends in OFFSET 0 or LIMIT, so that it goes by an index.
"""
