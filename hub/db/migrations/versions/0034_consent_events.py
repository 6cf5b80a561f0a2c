"""Consent is said of an address, by a raw version: `ops.consent_event` is keyed so.

What the old table has is taken over: each event belongs to the raw version that its record had last,
and to the address that its person has now. A no of the old table stays until the mappings have read
all raw versions again and, where they do not find it, somebody accepts that. The engine of the
mappings has a new version with this revision, so that all of them are mapped again.
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE ops.consent_event_before AS SELECT * FROM ops.consent_event;
DROP TABLE ops.consent_event;

CREATE TABLE ops.consent_event (
  id bigint GENERATED ALWAYS AS IDENTITY,
  raw_id bigint,
  origin_id bigint,
  entity_id bigint,
  source text NOT NULL,
  stream text NOT NULL DEFAULT '',
  source_id text NOT NULL DEFAULT '',
  address text NOT NULL,
  channel text NOT NULL,
  purpose text NOT NULL,
  state text NOT NULL,
  basis text,
  proof text,
  at timestamptz NOT NULL,
  is_timed boolean NOT NULL DEFAULT true,
  voice text NOT NULL DEFAULT 'sync',
  is_confirmed boolean NOT NULL DEFAULT false,
  is_correction boolean NOT NULL DEFAULT false,
  said_of text NOT NULL DEFAULT 'address',
  mapping_version text NOT NULL DEFAULT '',
  disputed_by text,
  accepted_by text,
  who text,
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_consent_event PRIMARY KEY (id),
  CONSTRAINT ck_consent_event_voice
    CHECK (voice IN ('person', 'form', 'sync', 'import', 'team')),
  CONSTRAINT ck_consent_event_said_of CHECK (said_of IN ('address', 'person'))
);
"""
_KEYS = """
ALTER TABLE ops.consent_event
  ADD CONSTRAINT fk_consent_event_raw_id_raw FOREIGN KEY (raw_id) REFERENCES landing.raw (id),
  ADD CONSTRAINT fk_consent_event_origin_id_consent_event FOREIGN KEY (origin_id)
    REFERENCES ops.consent_event (id) ON DELETE CASCADE,
  ADD CONSTRAINT fk_consent_event_entity_id_entity FOREIGN KEY (entity_id)
    REFERENCES ops.entity (id);
CREATE UNIQUE INDEX consent_once ON ops.consent_event (raw_id, address, channel, purpose, state)
  WHERE origin_id IS NULL;
CREATE UNIQUE INDEX consent_passed_once ON ops.consent_event (origin_id, address);
CREATE INDEX ix_consent_event_address ON ops.consent_event (address);
CREATE INDEX ix_consent_event_source_stream_source_id
  ON ops.consent_event (source, stream, source_id);
CREATE INDEX ix_consent_event_entity_id ON ops.consent_event (entity_id);
CREATE INDEX consent_of_person ON ops.consent_event (source, stream, source_id)
  WHERE said_of = 'person' AND origin_id IS NULL;
"""

# A yes counts while the newest version says it, so only such a one is taken over. A bounce is a
# property of an address and no consent: the mappings keep it in `email_bounced`.
_TAKEN_OVER = """
INSERT INTO ops.consent_event (raw_id, source, stream, source_id, address, channel, purpose, state,
  basis, proof, at, is_timed, said_of, recorded_at)
SELECT DISTINCT ON (o.raw_id, a.address, b.channel, b.purpose, b.state)
       o.raw_id, o.source, o.stream, o.source_id, a.address, b.channel, b.purpose, b.state,
       o.canonical ->> 'basis', b.proof, coalesce(b.at, b.recorded_at), b.at IS NOT NULL,
       CASE o.source WHEN 'salesforce' THEN 'person' ELSE 'address' END, b.recorded_at
FROM ops.consent_event_before b
JOIN ops.source_record o ON o.id = b.record_id
LEFT JOIN ops.source_record p ON p.source = o.source AND p.stream = o.stream
  AND p.source_id = o.source_id AND p.target = 'person'
CROSS JOIN LATERAL (SELECT lower(coalesce(CASE b.channel WHEN 'email' THEN p.canonical ->> 'email'
  WHEN 'fax' THEN p.canonical ->> 'fax'
  ELSE coalesce(p.canonical ->> 'phone', p.canonical ->> 'mobile') END, '')) AS address) a
WHERE (a.address <> '' OR o.source = 'salesforce')
  AND (b.state IN ('opt_out', 'do_not_call', 'erased')
       OR b.state <> 'bounced' AND o.gone_at IS NULL AND o.withdrawn_by IS NULL AND o.canonical ->> 'state' = b.state)
ORDER BY o.raw_id, a.address, b.channel, b.purpose, b.state, b.id DESC
"""
_OLD_RECORDS = """
DROP TABLE ops.consent_event_before;
DELETE FROM ops.record_version v USING ops.source_record s
  WHERE s.id = v.record_id AND s.target LIKE 'consent:%';
DELETE FROM ops.source_record WHERE target LIKE 'consent:%';
"""

_VIEW = """
CREATE VIEW reporting.consents AS
WITH said AS (
  SELECT e.*, e.state IN ('bounced', 'opt_out', 'do_not_call', 'erased') AS is_no,
         array_position(ARRAY['unknown', 'unconfirmed', 'accepted', 'opt_in', 'bounced', 'opt_out',
                              'do_not_call', 'erased'], e.state) AS strictness,
         e.raw_id IS NULL OR EXISTS (
           SELECT 1 FROM landing.head h WHERE h.source = e.source AND h.stream = e.stream
             AND h.source_id = e.source_id AND h.raw_id = e.raw_id AND h.op = 'upsert') AS is_present
  FROM ops.consent_event e WHERE e.address <> '' AND e.accepted_by IS NULL
), weighed AS (
  SELECT s.*,
         max(s.at) FILTER (WHERE s.is_confirmed AND s.voice = 'person' AND s.state = 'opt_in'
                             AND s.is_present) OVER w AS confirmed_at,
         max(s.at) FILTER (WHERE s.is_correction AND NOT s.is_no) OVER w AS corrected_at
  FROM said s WINDOW w AS (PARTITION BY s.address, s.channel, s.purpose)
), standing AS (
  SELECT w.* FROM weighed w
  WHERE CASE WHEN w.is_no
    THEN NOT coalesce(w.at < w.confirmed_at, false)
     AND NOT (w.voice <> 'person' AND coalesce(w.at <= w.corrected_at, false))
    ELSE w.is_present END
), own AS (
  SELECT DISTINCT ON (s.address, s.channel, s.purpose)
         s.address, s.channel, s.purpose, s.state, s.is_no, s.strictness,
         coalesce(s.basis, first_value(s.basis) OVER (
           PARTITION BY s.address, s.channel, s.purpose
           ORDER BY s.basis IS NULL OR NOT s.is_present, s.at DESC, s.id DESC)) AS basis,
         s.at, s.source, s.proof
  FROM standing s
  ORDER BY s.address, s.channel, s.purpose, s.strictness DESC, s.at DESC, s.id DESC
), whole AS (
  SELECT o.*, first_value(o.purpose) OVER w AS above, first_value(o.is_no) OVER w AS above_is_no,
         first_value(o.state) OVER w AS above_state, first_value(o.strictness) OVER w AS above_rank,
         first_value(o.at) OVER w AS above_at, first_value(o.source) OVER w AS above_source,
         first_value(o.proof) OVER w AS above_proof
  FROM own o
  WINDOW w AS (PARTITION BY o.address, o.channel, split_part(o.purpose, ':', 1)
               ORDER BY o.purpose LIKE '%:%', o.purpose)
), judged AS (
  SELECT w.*, w.above NOT LIKE '%:%' AND w.above_is_no AND w.above_rank > w.strictness AS is_covered
  FROM whole w
)
SELECT j.address, j.channel, j.purpose,
       CASE WHEN j.is_covered THEN j.above_state ELSE j.state END AS state, j.basis,
       CASE WHEN j.is_covered THEN j.above_at ELSE j.at END AS at,
       CASE WHEN j.is_covered THEN j.above_source ELSE j.source END AS source,
       CASE WHEN j.is_covered THEN j.above_proof ELSE j.proof END AS proof
FROM judged j
"""


def upgrade() -> None:
    """Make the table, take over what the old one has, make the view."""
    op.execute(_TABLE)
    op.execute(_KEYS)
    op.execute(_TAKEN_OVER)
    op.execute(_OLD_RECORDS)
    op.execute(_VIEW)
