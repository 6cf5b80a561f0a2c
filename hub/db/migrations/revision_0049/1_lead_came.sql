-- A lead came at the date of its source, but never later than the hub first had it: a source whose clock is
-- ahead dates leads into the future. hub.crm.tally_triggers composes the functions.

-- what such leads count for is counted by the new rule, before the triggers do
INSERT INTO ops.lead_tally (what, owner_id, source, bucket, n)
SELECT 'response', l.owner_id, l.lead_source, b.bucket, sum(b.sign)
FROM crm.lead l CROSS JOIN LATERAL (VALUES
  (-1, CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer)),
  (1, CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer))) AS b (sign, bucket)
WHERE l.created_at > l.recorded_at AND l.first_response_at IS NOT NULL
  AND l.archived_at IS NULL AND l.merged_into IS NULL
GROUP BY 2, 3, 4 HAVING sum(b.sign) <> 0;

CREATE OR REPLACE FUNCTION ops.tally_lead_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT 1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0;
RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION ops.tally_lead_update() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT -1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0;
IF EXISTS (SELECT sum(sign) AS sign, id, owner_id, lead_source FROM (SELECT -1 AS sign, id, owner_id, lead_source FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, lead_source FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) b GROUP BY id, owner_id, lead_source HAVING sum(sign) <> 0) THEN
EXECUTE $q$INSERT INTO ops.lead_tally (what, owner_id, source, stage_id, currency, n, value)
SELECT 'won', r.owner_id, r.lead_source, r.stage_id, r.currency, sum(r.sign), sum(r.sign * r.value)
FROM (SELECT c.sign, c.owner_id, c.lead_source, d.stage_id, d.currency, d.value FROM (SELECT sum(sign) AS sign, id, owner_id, lead_source FROM (SELECT -1 AS sign, id, owner_id, lead_source FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, lead_source FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) b GROUP BY id, owner_id, lead_source HAVING sum(sign) <> 0) c CROSS JOIN LATERAL (SELECT stage_id, currency, value FROM crm.deal WHERE lead_id = c.id AND archived_at IS NULL OFFSET 0) d) r
GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.sign) <> 0 OR sum(r.sign * r.value) <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION ops.tally_lead_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT -1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - least(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0;
RETURN NULL;
END $body$;

DROP INDEX crm.lead_arrived;
CREATE INDEX lead_arrived ON crm.lead (least(created_at, recorded_at));

-- their answers were looked for too late
UPDATE crm.lead l SET first_response_at = r.at
FROM (
  SELECT l.id, min(least(c.at, v.at, m.at)) AS at
  FROM crm.lead l CROSS JOIN LATERAL (
    WITH RECURSIVE own AS (SELECT l.entity_id AS id UNION
      SELECT e.id FROM own JOIN ops.entity e ON e.merged_into = own.id) SELECT id FROM own) o
  CROSS JOIN LATERAL (SELECT min(made_at) AS at FROM crm.call WHERE entity_id = o.id
    AND archived_at IS NULL AND NOT is_incoming AND made_at >= l.recorded_at) c
  CROSS JOIN LATERAL (SELECT min(visited_at) AS at FROM crm.visit WHERE entity_id = o.id
    AND archived_at IS NULL AND visited_at >= l.recorded_at) v
  CROSS JOIN LATERAL (SELECT min(sent_at) AS at FROM crm.message WHERE entity_id = o.id
    AND archived_at IS NULL AND NOT is_incoming AND sent_at >= l.recorded_at) m
  WHERE l.created_at > l.recorded_at
  GROUP BY l.id
) r
WHERE l.id = r.id AND l.first_response_at IS DISTINCT FROM r.at;
