-- Roll-ups that reports read, and the triggers that keep them equal to the rows.

-- Sums of deals by owner, source, stage, reason and month of closing.
CREATE TABLE ops.deal_tally (
  id bigint GENERATED ALWAYS AS IDENTITY,
  owner_id bigint,
  source text,
  stage_id bigint NOT NULL,
  reason_id bigint,
  currency text NOT NULL,
  month date,
  n bigint NOT NULL,
  value numeric(24, 4) NOT NULL,
  own_value numeric(24, 4) NOT NULL,
  own_weighted numeric(24, 4) NOT NULL,
  CONSTRAINT pk_deal_tally PRIMARY KEY (id)
);

-- Sums of leads by owner, source and status. Triggers append; sums of n are the counts.
CREATE TABLE ops.lead_tally (
  id bigint GENERATED ALWAYS AS IDENTITY,
  what text NOT NULL,
  owner_id bigint,
  source text,
  status text,
  is_converted boolean,
  bucket integer,
  stage_id bigint,
  currency text,
  n bigint NOT NULL,
  value numeric(24, 4) NOT NULL DEFAULT '0',
  CONSTRAINT pk_lead_tally PRIMARY KEY (id)
);

-- Sums of deals that entered, left and stayed in a stage, by time spent.
CREATE TABLE ops.stage_tally (
  id bigint GENERATED ALWAYS AS IDENTITY,
  owner_id bigint,
  source text,
  stage_id bigint NOT NULL,
  bucket integer,
  entered bigint NOT NULL,
  advanced bigint NOT NULL,
  lost bigint NOT NULL,
  inside bigint NOT NULL,
  CONSTRAINT pk_stage_tally PRIMARY KEY (id)
);

-- One function and one trigger for each table and kind of statement. hub.crm.tally_tables composes
-- the bodies from the same expressions that recount the roll-ups, hence their long lines.

CREATE FUNCTION ops.tally_lead_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT 1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_lead_insert AFTER INSERT ON crm.lead
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_lead_insert();

CREATE FUNCTION ops.tally_lead_update() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT -1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM new_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
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
CREATE TRIGGER tally_lead_update AFTER UPDATE ON crm.lead
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_lead_update();

CREATE FUNCTION ops.tally_lead_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.lead_tally (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM (SELECT -1 AS sign, id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, CASE WHEN CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8) IS NOT NULL THEN CAST(floor(8 * ln(greatest(CAST(extract(epoch FROM first_response_at - coalesce(created_at, recorded_at)) AS float8), 1)) / ln(2)) AS integer) END AS bucket FROM old_rows WHERE archived_at IS NULL AND merged_into IS NULL) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_lead_delete AFTER DELETE ON crm.lead
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_lead_delete();

CREATE FUNCTION ops.tally_deal_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.deal_tally (owner_id, source, stage_id, reason_id, currency, month, n, value,
  own_value, own_weighted)
SELECT * FROM (
  SELECT r.owner_id, r.source, r.stage_id, r.reason_id, r.currency, r.month,
         sum(r.sign) AS n, sum(r.sign * r.value) AS value,
         coalesce(sum(r.sign * r.value) FILTER (WHERE r.own IS NOT NULL), 0) AS own_value,
         coalesce(sum(r.sign * r.value * r.own / 100), 0) AS own_weighted
  FROM (SELECT 1 AS sign, id, owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, currency, CAST(date_trunc('month', closed_at AT TIME ZONE 'UTC') AS date) AS month, value, customized_win_likelihood AS own FROM new_rows WHERE archived_at IS NULL) r GROUP BY 1, 2, 3, 4, 5, 6) c
WHERE c.n <> 0 OR c.value <> 0 OR c.own_value <> 0 OR c.own_weighted <> 0;
IF EXISTS (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) THEN
EXECUTE $q$SELECT 1 FROM (SELECT lead_id FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) b GROUP BY 1 ORDER BY 1) c CROSS JOIN LATERAL (SELECT id FROM crm.lead WHERE id = c.lead_id FOR SHARE) l$q$;
EXECUTE $q$INSERT INTO ops.lead_tally (what, owner_id, source, stage_id, currency, n, value)
SELECT 'won', r.owner_id, r.lead_source, r.stage_id, r.currency, sum(r.sign), sum(r.sign * r.value)
FROM (SELECT c.sign, l.owner_id, l.lead_source, c.stage_id, c.currency, c.value FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) c CROSS JOIN LATERAL (SELECT owner_id, lead_source FROM crm.lead WHERE id = c.lead_id AND archived_at IS NULL AND merged_into IS NULL OFFSET 0) l) r
GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.sign) <> 0 OR sum(r.sign * r.value) <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_deal_insert AFTER INSERT ON crm.deal
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_deal_insert();

CREATE FUNCTION ops.tally_deal_update() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.deal_tally (owner_id, source, stage_id, reason_id, currency, month, n, value,
  own_value, own_weighted)
SELECT * FROM (
  SELECT r.owner_id, r.source, r.stage_id, r.reason_id, r.currency, r.month,
         sum(r.sign) AS n, sum(r.sign * r.value) AS value,
         coalesce(sum(r.sign * r.value) FILTER (WHERE r.own IS NOT NULL), 0) AS own_value,
         coalesce(sum(r.sign * r.value * r.own / 100), 0) AS own_weighted
  FROM (SELECT -1 AS sign, id, owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, currency, CAST(date_trunc('month', closed_at AT TIME ZONE 'UTC') AS date) AS month, value, customized_win_likelihood AS own FROM old_rows WHERE archived_at IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, currency, CAST(date_trunc('month', closed_at AT TIME ZONE 'UTC') AS date) AS month, value, customized_win_likelihood AS own FROM new_rows WHERE archived_at IS NULL) r GROUP BY 1, 2, 3, 4, 5, 6) c
WHERE c.n <> 0 OR c.value <> 0 OR c.own_value <> 0 OR c.own_weighted <> 0;
IF EXISTS (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL UNION ALL SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) THEN
EXECUTE $q$SELECT 1 FROM (SELECT lead_id FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL UNION ALL SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) b GROUP BY 1 ORDER BY 1) c CROSS JOIN LATERAL (SELECT id FROM crm.lead WHERE id = c.lead_id FOR SHARE) l$q$;
EXECUTE $q$INSERT INTO ops.lead_tally (what, owner_id, source, stage_id, currency, n, value)
SELECT 'won', r.owner_id, r.lead_source, r.stage_id, r.currency, sum(r.sign), sum(r.sign * r.value)
FROM (SELECT c.sign, l.owner_id, l.lead_source, c.stage_id, c.currency, c.value FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL UNION ALL SELECT 1 AS sign, lead_id, stage_id, currency, value FROM new_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) c CROSS JOIN LATERAL (SELECT owner_id, lead_source FROM crm.lead WHERE id = c.lead_id AND archived_at IS NULL AND merged_into IS NULL OFFSET 0) l) r
GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.sign) <> 0 OR sum(r.sign * r.value) <> 0$q$;
END IF;
IF EXISTS (SELECT sum(sign) AS sign, id, owner_id, source FROM (SELECT -1 AS sign, id, owner_id, source FROM old_rows WHERE archived_at IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, source FROM new_rows WHERE archived_at IS NULL) b GROUP BY id, owner_id, source HAVING sum(sign) <> 0) THEN
EXECUTE $q$INSERT INTO ops.stage_tally (owner_id, source, stage_id, bucket, entered, advanced, lost, inside)
WITH moves AS (SELECT d.sign, t.deal_id, d.owner_id, d.source, t.id, t.to_stage_id, t.at FROM (SELECT sum(sign) AS sign, id, owner_id, source FROM (SELECT -1 AS sign, id, owner_id, source FROM old_rows WHERE archived_at IS NULL UNION ALL SELECT 1 AS sign, id, owner_id, source FROM new_rows WHERE archived_at IS NULL) b GROUP BY id, owner_id, source HAVING sum(sign) <> 0) d CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = d.id OFFSET 0) t),
visits AS (
  SELECT m.sign, m.deal_id, m.owner_id, m.source, m.to_stage_id AS stage_id, s.category,
         lead(m.id) OVER w IS NULL AS is_last,
         CAST(extract(epoch FROM lead(m.at) OVER w - m.at) AS float8) AS seconds,
         CAST(extract(epoch FROM m.at - first_value(m.at) OVER w) AS float8) AS since_start,
         lead(s.category) OVER w IN ('lost', 'unqualified') AND lead(m.id, 2) OVER w IS NULL
           AS is_lost,
         max(CASE WHEN s.category IN ('lost', 'unqualified') THEN 0 ELSE s.position END)
           OVER (p ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > s.position AS is_advanced
  FROM moves m JOIN crm.stage s ON s.id = m.to_stage_id
  WINDOW w AS (PARTITION BY m.sign, m.deal_id ORDER BY m.at, m.id),
         p AS (PARTITION BY m.sign, m.deal_id, s.pipeline_id ORDER BY m.at, m.id)
), spent AS (
  SELECT sign, deal_id, owner_id, source, stage_id, bool_or(is_last) AS is_inside,
         coalesce(bool_or(is_lost), false) AS is_lost,
         coalesce(bool_or(is_advanced), false) AS is_advanced,
         CASE WHEN bool_or(category = 'won') THEN max(since_start) FILTER (WHERE is_last)
              WHEN NOT bool_or(is_last) THEN sum(seconds) END AS seconds
  FROM visits GROUP BY 1, 2, 3, 4, 5
)
SELECT * FROM (
  SELECT s.owner_id, s.source, s.stage_id, CASE WHEN s.seconds IS NOT NULL THEN CAST(floor(8 * ln(greatest(s.seconds, 1)) / ln(2)) AS integer) END AS bucket,
         sum(s.sign) AS entered,
         coalesce(sum(s.sign) FILTER (WHERE s.is_advanced), 0) AS advanced,
         coalesce(sum(s.sign) FILTER (WHERE s.is_lost), 0) AS lost,
         coalesce(sum(s.sign) FILTER (WHERE s.is_inside), 0) AS inside
  FROM spent s GROUP BY 1, 2, 3, 4) c
WHERE c.entered <> 0 OR c.advanced <> 0 OR c.lost <> 0 OR c.inside <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_deal_update AFTER UPDATE ON crm.deal
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_deal_update();

CREATE FUNCTION ops.tally_deal_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
INSERT INTO ops.deal_tally (owner_id, source, stage_id, reason_id, currency, month, n, value,
  own_value, own_weighted)
SELECT * FROM (
  SELECT r.owner_id, r.source, r.stage_id, r.reason_id, r.currency, r.month,
         sum(r.sign) AS n, sum(r.sign * r.value) AS value,
         coalesce(sum(r.sign * r.value) FILTER (WHERE r.own IS NOT NULL), 0) AS own_value,
         coalesce(sum(r.sign * r.value * r.own / 100), 0) AS own_weighted
  FROM (SELECT -1 AS sign, id, owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, currency, CAST(date_trunc('month', closed_at AT TIME ZONE 'UTC') AS date) AS month, value, customized_win_likelihood AS own FROM old_rows WHERE archived_at IS NULL) r GROUP BY 1, 2, 3, 4, 5, 6) c
WHERE c.n <> 0 OR c.value <> 0 OR c.own_value <> 0 OR c.own_weighted <> 0;
IF EXISTS (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) THEN
EXECUTE $q$SELECT 1 FROM (SELECT lead_id FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) b GROUP BY 1 ORDER BY 1) c CROSS JOIN LATERAL (SELECT id FROM crm.lead WHERE id = c.lead_id FOR SHARE) l$q$;
EXECUTE $q$INSERT INTO ops.lead_tally (what, owner_id, source, stage_id, currency, n, value)
SELECT 'won', r.owner_id, r.lead_source, r.stage_id, r.currency, sum(r.sign), sum(r.sign * r.value)
FROM (SELECT c.sign, l.owner_id, l.lead_source, c.stage_id, c.currency, c.value FROM (SELECT sum(sign) AS sign, lead_id, stage_id, currency, value FROM (SELECT -1 AS sign, lead_id, stage_id, currency, value FROM old_rows WHERE archived_at IS NULL AND lead_id IS NOT NULL) b GROUP BY lead_id, stage_id, currency, value HAVING sum(sign) <> 0) c CROSS JOIN LATERAL (SELECT owner_id, lead_source FROM crm.lead WHERE id = c.lead_id AND archived_at IS NULL AND merged_into IS NULL OFFSET 0) l) r
GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.sign) <> 0 OR sum(r.sign * r.value) <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_deal_delete AFTER DELETE ON crm.deal
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_deal_delete();

CREATE FUNCTION ops.tally_stage_transition_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
IF EXISTS (SELECT DISTINCT deal_id FROM new_rows) THEN
EXECUTE $q$SELECT 1 FROM (SELECT deal_id FROM (SELECT DISTINCT deal_id FROM new_rows) x ORDER BY 1) x CROSS JOIN LATERAL (SELECT id FROM crm.deal WHERE id = x.deal_id FOR NO KEY UPDATE) d$q$;
EXECUTE $q$INSERT INTO ops.stage_tally (owner_id, source, stage_id, bucket, entered, advanced, lost, inside)
WITH moves AS (SELECT m.sign, m.deal_id, d.owner_id, d.source, m.id, m.to_stage_id, m.at FROM (SELECT 1 AS sign, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM new_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -1, b.* FROM (SELECT deal_id, id, to_stage_id, at FROM (SELECT 1 AS k, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM new_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -(1) AS k, deal_id, id, to_stage_id, at FROM new_rows) b GROUP BY deal_id, id, to_stage_id, at HAVING sum(k) > 0) b) m CROSS JOIN LATERAL (SELECT owner_id, source FROM crm.deal WHERE id = m.deal_id AND archived_at IS NULL OFFSET 0) d),
visits AS (
  SELECT m.sign, m.deal_id, m.owner_id, m.source, m.to_stage_id AS stage_id, s.category,
         lead(m.id) OVER w IS NULL AS is_last,
         CAST(extract(epoch FROM lead(m.at) OVER w - m.at) AS float8) AS seconds,
         CAST(extract(epoch FROM m.at - first_value(m.at) OVER w) AS float8) AS since_start,
         lead(s.category) OVER w IN ('lost', 'unqualified') AND lead(m.id, 2) OVER w IS NULL
           AS is_lost,
         max(CASE WHEN s.category IN ('lost', 'unqualified') THEN 0 ELSE s.position END)
           OVER (p ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > s.position AS is_advanced
  FROM moves m JOIN crm.stage s ON s.id = m.to_stage_id
  WINDOW w AS (PARTITION BY m.sign, m.deal_id ORDER BY m.at, m.id),
         p AS (PARTITION BY m.sign, m.deal_id, s.pipeline_id ORDER BY m.at, m.id)
), spent AS (
  SELECT sign, deal_id, owner_id, source, stage_id, bool_or(is_last) AS is_inside,
         coalesce(bool_or(is_lost), false) AS is_lost,
         coalesce(bool_or(is_advanced), false) AS is_advanced,
         CASE WHEN bool_or(category = 'won') THEN max(since_start) FILTER (WHERE is_last)
              WHEN NOT bool_or(is_last) THEN sum(seconds) END AS seconds
  FROM visits GROUP BY 1, 2, 3, 4, 5
)
SELECT * FROM (
  SELECT s.owner_id, s.source, s.stage_id, CASE WHEN s.seconds IS NOT NULL THEN CAST(floor(8 * ln(greatest(s.seconds, 1)) / ln(2)) AS integer) END AS bucket,
         sum(s.sign) AS entered,
         coalesce(sum(s.sign) FILTER (WHERE s.is_advanced), 0) AS advanced,
         coalesce(sum(s.sign) FILTER (WHERE s.is_lost), 0) AS lost,
         coalesce(sum(s.sign) FILTER (WHERE s.is_inside), 0) AS inside
  FROM spent s GROUP BY 1, 2, 3, 4) c
WHERE c.entered <> 0 OR c.advanced <> 0 OR c.lost <> 0 OR c.inside <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_stage_transition_insert AFTER INSERT ON crm.stage_transition
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_stage_transition_insert();

CREATE FUNCTION ops.tally_stage_transition_update() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
IF EXISTS (SELECT DISTINCT deal_id FROM old_rows UNION SELECT DISTINCT deal_id FROM new_rows) THEN
EXECUTE $q$SELECT 1 FROM (SELECT deal_id FROM (SELECT DISTINCT deal_id FROM old_rows UNION SELECT DISTINCT deal_id FROM new_rows) x ORDER BY 1) x CROSS JOIN LATERAL (SELECT id FROM crm.deal WHERE id = x.deal_id FOR NO KEY UPDATE) d$q$;
EXECUTE $q$INSERT INTO ops.stage_tally (owner_id, source, stage_id, bucket, entered, advanced, lost, inside)
WITH moves AS (SELECT m.sign, m.deal_id, d.owner_id, d.source, m.id, m.to_stage_id, m.at FROM (SELECT 1 AS sign, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM old_rows UNION SELECT DISTINCT deal_id FROM new_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -1, b.* FROM (SELECT deal_id, id, to_stage_id, at FROM (SELECT 1 AS k, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM old_rows UNION SELECT DISTINCT deal_id FROM new_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -(-1) AS k, deal_id, id, to_stage_id, at FROM old_rows UNION ALL SELECT -(1) AS k, deal_id, id, to_stage_id, at FROM new_rows) b GROUP BY deal_id, id, to_stage_id, at HAVING sum(k) > 0) b) m CROSS JOIN LATERAL (SELECT owner_id, source FROM crm.deal WHERE id = m.deal_id AND archived_at IS NULL OFFSET 0) d),
visits AS (
  SELECT m.sign, m.deal_id, m.owner_id, m.source, m.to_stage_id AS stage_id, s.category,
         lead(m.id) OVER w IS NULL AS is_last,
         CAST(extract(epoch FROM lead(m.at) OVER w - m.at) AS float8) AS seconds,
         CAST(extract(epoch FROM m.at - first_value(m.at) OVER w) AS float8) AS since_start,
         lead(s.category) OVER w IN ('lost', 'unqualified') AND lead(m.id, 2) OVER w IS NULL
           AS is_lost,
         max(CASE WHEN s.category IN ('lost', 'unqualified') THEN 0 ELSE s.position END)
           OVER (p ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > s.position AS is_advanced
  FROM moves m JOIN crm.stage s ON s.id = m.to_stage_id
  WINDOW w AS (PARTITION BY m.sign, m.deal_id ORDER BY m.at, m.id),
         p AS (PARTITION BY m.sign, m.deal_id, s.pipeline_id ORDER BY m.at, m.id)
), spent AS (
  SELECT sign, deal_id, owner_id, source, stage_id, bool_or(is_last) AS is_inside,
         coalesce(bool_or(is_lost), false) AS is_lost,
         coalesce(bool_or(is_advanced), false) AS is_advanced,
         CASE WHEN bool_or(category = 'won') THEN max(since_start) FILTER (WHERE is_last)
              WHEN NOT bool_or(is_last) THEN sum(seconds) END AS seconds
  FROM visits GROUP BY 1, 2, 3, 4, 5
)
SELECT * FROM (
  SELECT s.owner_id, s.source, s.stage_id, CASE WHEN s.seconds IS NOT NULL THEN CAST(floor(8 * ln(greatest(s.seconds, 1)) / ln(2)) AS integer) END AS bucket,
         sum(s.sign) AS entered,
         coalesce(sum(s.sign) FILTER (WHERE s.is_advanced), 0) AS advanced,
         coalesce(sum(s.sign) FILTER (WHERE s.is_lost), 0) AS lost,
         coalesce(sum(s.sign) FILTER (WHERE s.is_inside), 0) AS inside
  FROM spent s GROUP BY 1, 2, 3, 4) c
WHERE c.entered <> 0 OR c.advanced <> 0 OR c.lost <> 0 OR c.inside <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_stage_transition_update AFTER UPDATE ON crm.stage_transition
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_stage_transition_update();

CREATE FUNCTION ops.tally_stage_transition_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
IF EXISTS (SELECT DISTINCT deal_id FROM old_rows) THEN
EXECUTE $q$SELECT 1 FROM (SELECT deal_id FROM (SELECT DISTINCT deal_id FROM old_rows) x ORDER BY 1) x CROSS JOIN LATERAL (SELECT id FROM crm.deal WHERE id = x.deal_id FOR NO KEY UPDATE) d$q$;
EXECUTE $q$INSERT INTO ops.stage_tally (owner_id, source, stage_id, bucket, entered, advanced, lost, inside)
WITH moves AS (SELECT m.sign, m.deal_id, d.owner_id, d.source, m.id, m.to_stage_id, m.at FROM (SELECT 1 AS sign, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM old_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -1, b.* FROM (SELECT deal_id, id, to_stage_id, at FROM (SELECT 1 AS k, n.* FROM (SELECT t.* FROM (SELECT DISTINCT deal_id FROM old_rows) x CROSS JOIN LATERAL (SELECT deal_id, id, to_stage_id, at FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t) n UNION ALL SELECT -(-1) AS k, deal_id, id, to_stage_id, at FROM old_rows) b GROUP BY deal_id, id, to_stage_id, at HAVING sum(k) > 0) b) m CROSS JOIN LATERAL (SELECT owner_id, source FROM crm.deal WHERE id = m.deal_id AND archived_at IS NULL OFFSET 0) d),
visits AS (
  SELECT m.sign, m.deal_id, m.owner_id, m.source, m.to_stage_id AS stage_id, s.category,
         lead(m.id) OVER w IS NULL AS is_last,
         CAST(extract(epoch FROM lead(m.at) OVER w - m.at) AS float8) AS seconds,
         CAST(extract(epoch FROM m.at - first_value(m.at) OVER w) AS float8) AS since_start,
         lead(s.category) OVER w IN ('lost', 'unqualified') AND lead(m.id, 2) OVER w IS NULL
           AS is_lost,
         max(CASE WHEN s.category IN ('lost', 'unqualified') THEN 0 ELSE s.position END)
           OVER (p ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > s.position AS is_advanced
  FROM moves m JOIN crm.stage s ON s.id = m.to_stage_id
  WINDOW w AS (PARTITION BY m.sign, m.deal_id ORDER BY m.at, m.id),
         p AS (PARTITION BY m.sign, m.deal_id, s.pipeline_id ORDER BY m.at, m.id)
), spent AS (
  SELECT sign, deal_id, owner_id, source, stage_id, bool_or(is_last) AS is_inside,
         coalesce(bool_or(is_lost), false) AS is_lost,
         coalesce(bool_or(is_advanced), false) AS is_advanced,
         CASE WHEN bool_or(category = 'won') THEN max(since_start) FILTER (WHERE is_last)
              WHEN NOT bool_or(is_last) THEN sum(seconds) END AS seconds
  FROM visits GROUP BY 1, 2, 3, 4, 5
)
SELECT * FROM (
  SELECT s.owner_id, s.source, s.stage_id, CASE WHEN s.seconds IS NOT NULL THEN CAST(floor(8 * ln(greatest(s.seconds, 1)) / ln(2)) AS integer) END AS bucket,
         sum(s.sign) AS entered,
         coalesce(sum(s.sign) FILTER (WHERE s.is_advanced), 0) AS advanced,
         coalesce(sum(s.sign) FILTER (WHERE s.is_lost), 0) AS lost,
         coalesce(sum(s.sign) FILTER (WHERE s.is_inside), 0) AS inside
  FROM spent s GROUP BY 1, 2, 3, 4) c
WHERE c.entered <> 0 OR c.advanced <> 0 OR c.lost <> 0 OR c.inside <> 0$q$;
END IF;
RETURN NULL;
END $body$;
CREATE TRIGGER tally_stage_transition_delete AFTER DELETE ON crm.stage_transition
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ops.tally_stage_transition_delete();
