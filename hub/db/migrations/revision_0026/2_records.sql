-- Records and entities: batches, queues, matching, edits, consent.

-- One run of a source: what it read, and whether it is settled.
CREATE TABLE ops.batch (
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  source text NOT NULL,
  lane text NOT NULL,
  state text NOT NULL DEFAULT 'running',
  windows jsonb NOT NULL DEFAULT '{}',
  ledger jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CONSTRAINT pk_batch PRIMARY KEY (id),
  CONSTRAINT ck_batch_state CHECK (state IN ('planned', 'running', 'done', 'failed', 'undone'))
);
CREATE UNIQUE INDEX one_running_batch_a_source ON ops.batch (source) WHERE state = 'running';

-- Requests of each vendor account, shared by all processes.
CREATE TABLE ops.budget (
  account text NOT NULL,
  name text NOT NULL,
  requests integer NOT NULL DEFAULT '0',
  per_s double precision NOT NULL DEFAULT '0',
  log timestamptz[] NOT NULL DEFAULT '{}',
  not_before timestamptz,
  used bigint,
  day_limit bigint,
  observed_at timestamptz,
  CONSTRAINT pk_budget PRIMARY KEY (account, name)
);

-- Fields and values that a source sends and no mapping knows.
CREATE TABLE ops.drift (
  source text NOT NULL,
  stream text NOT NULL,
  kind text NOT NULL,
  field text NOT NULL,
  value text NOT NULL,
  n bigint NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_drift PRIMARY KEY (source, stream, kind, field, value),
  CONSTRAINT ck_drift_kind CHECK (kind IN ('field', 'value', 'type'))
);

-- One person or company. It is stale while version > folded_version.
CREATE TABLE ops.entity (
  id bigint GENERATED ALWAYS AS IDENTITY,
  public_id text NOT NULL DEFAULT gen_random_uuid()::text,
  kind text NOT NULL,
  anchor_id bigint NOT NULL,
  batch_id bigint NOT NULL,
  lane text NOT NULL,
  merged_into bigint,
  version bigint NOT NULL DEFAULT '1',
  folded_version bigint NOT NULL DEFAULT '0',
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_entity PRIMARY KEY (id),
  CONSTRAINT uq_entity_public_id UNIQUE (public_id),
  CONSTRAINT fk_entity_merged_into_entity FOREIGN KEY (merged_into) REFERENCES ops.entity (id)
);
CREATE INDEX entity_behind ON ops.entity (id) WHERE version > folded_version;
CREATE INDEX entity_lost ON ops.entity (anchor_id) WHERE merged_into IS NOT NULL;
CREATE INDEX ix_entity_merged_into ON ops.entity (merged_into);

-- Trained models of matching; one is active.
CREATE TABLE ops.match_model (
  id bigint GENERATED ALWAYS AS IDENTITY,
  version text NOT NULL,
  document jsonb NOT NULL,
  trained_at timestamptz NOT NULL DEFAULT now(),
  is_active boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_match_model PRIMARY KEY (id),
  CONSTRAINT uq_match_model_version UNIQUE (version)
);
CREATE UNIQUE INDEX one_active_model ON ops.match_model (is_active) WHERE is_active;

-- The queue of records on their way to an entity.
CREATE TABLE ops.pending (
  stage text NOT NULL,
  ref bigint NOT NULL,
  lane text NOT NULL,
  batch_id bigint NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_pending PRIMARY KEY (stage, ref),
  CONSTRAINT ck_pending_stage CHECK (stage IN ('normalize', 'match', 'companies'))
);
CREATE INDEX pending_next ON ops.pending (stage, lane DESC, ref);

-- What each stage did, and how long it took.
CREATE TABLE ops.stage_report (
  id bigint GENERATED ALWAYS AS IDENTITY,
  batch_id bigint,
  stage text NOT NULL,
  source text,
  stream text,
  counts jsonb NOT NULL,
  seconds double precision NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  in_dagster boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_stage_report PRIMARY KEY (id)
);

-- The rules of survivorship in force.
CREATE TABLE ops.survivorship (
  id bigint GENERATED ALWAYS AS IDENTITY,
  document jsonb NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_survivorship PRIMARY KEY (id)
);

-- Keys that find a company: domain, name, name and place.
CREATE TABLE ops.company_key (
  entity_id bigint NOT NULL,
  kind text NOT NULL,
  value text NOT NULL,
  is_company boolean NOT NULL,
  CONSTRAINT pk_company_key PRIMARY KEY (entity_id, kind, value),
  CONSTRAINT ck_company_key_kind CHECK (kind IN ('domain', 'name', 'name_place')),
  CONSTRAINT fk_company_key_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_company_key_kind_value_is_company ON ops.company_key (kind, value, is_company);

-- Values that people typed; they stand above every source.
CREATE TABLE ops.edit (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint NOT NULL,
  field text NOT NULL,
  value jsonb NOT NULL,
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CONSTRAINT pk_edit PRIMARY KEY (id),
  CONSTRAINT fk_edit_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_edit_entity_id ON ops.edit (entity_id);

-- Employers that a person stated by hand.
CREATE TABLE ops.employment (
  id bigint GENERATED ALWAYS AS IDENTITY,
  person_id bigint NOT NULL,
  company_id bigint NOT NULL,
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  revoked_at timestamptz,
  CONSTRAINT pk_employment PRIMARY KEY (id),
  CONSTRAINT fk_employment_person_id_entity FOREIGN KEY (person_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_employment_company_id_entity FOREIGN KEY (company_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_employment_company_id ON ops.employment (company_id);
CREATE INDEX ix_employment_person_id ON ops.employment (person_id);

-- A record as its mapping reads it, and its entity.
CREATE TABLE ops.source_record (
  id bigint GENERATED ALWAYS AS IDENTITY,
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  target text NOT NULL,
  raw_id bigint NOT NULL,
  batch_id bigint NOT NULL,
  lane text NOT NULL,
  mapping_version text NOT NULL,
  trust text NOT NULL,
  canonical jsonb NOT NULL,
  canonical_hash bytea NOT NULL,
  refs jsonb NOT NULL DEFAULT '{}',
  source_at timestamptz,
  entity_id bigint,
  joined_batch_id bigint,
  gone_at timestamptz,
  withdrawn_by bigint,
  alias_of text,
  verdict text,
  role text,
  CONSTRAINT pk_source_record PRIMARY KEY (id),
  CONSTRAINT fk_source_record_raw_id_raw FOREIGN KEY (raw_id) REFERENCES landing.raw (id),
  CONSTRAINT fk_source_record_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_source_record_entity_id ON ops.source_record (entity_id);
CREATE INDEX ix_source_record_raw_id ON ops.source_record (raw_id);
CREATE INDEX source_record_alias
  ON ops.source_record (source, stream, alias_of) WHERE alias_of IS NOT NULL;
CREATE INDEX source_record_company
  ON ops.source_record (source, (refs ->> 'company')) WHERE (refs ->> 'company') IS NOT NULL;
CREATE UNIQUE INDEX source_record_key ON ops.source_record (source, stream, source_id, target);
CREATE INDEX source_record_requester
  ON ops.source_record (source, (refs ->> 'requester')) WHERE (refs ->> 'requester') IS NOT NULL;

-- What became of each record of a batch.
CREATE TABLE ops.verdict (
  batch_id bigint NOT NULL,
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  is_live boolean NOT NULL,
  at timestamptz,
  verdict text,
  CONSTRAINT pk_verdict PRIMARY KEY (batch_id, source, stream, source_id),
  CONSTRAINT ck_verdict_verdict CHECK (verdict IN ('created', 'updated', 'unchanged', 'merged',
    'excluded', 'rejected', 'deleted')),
  CONSTRAINT fk_verdict_batch_id_batch FOREIGN KEY (batch_id) REFERENCES ops.batch (id)
);
CREATE INDEX ix_verdict_source_stream_source_id_batch_id
  ON ops.verdict (source, stream, source_id, batch_id);
CREATE INDEX verdict_open ON ops.verdict (batch_id) WHERE verdict IS NULL;

-- What a record says about consent, per channel and purpose.
CREATE TABLE ops.consent_event (
  id bigint GENERATED ALWAYS AS IDENTITY,
  record_id bigint NOT NULL,
  entity_id bigint NOT NULL,
  channel text NOT NULL,
  purpose text NOT NULL,
  state text NOT NULL,
  proof text,
  at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_consent_event PRIMARY KEY (id),
  CONSTRAINT fk_consent_event_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id),
  CONSTRAINT fk_consent_event_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE UNIQUE INDEX consent_once ON ops.consent_event (record_id, channel, purpose, state);
CREATE INDEX ix_consent_event_entity_id ON ops.consent_event (entity_id);

-- Judgements about pairs of records: same, different or unsure.
CREATE TABLE ops.edge (
  id bigint GENERATED ALWAYS AS IDENTITY,
  a bigint NOT NULL,
  b bigint NOT NULL,
  judgement text NOT NULL,
  weight double precision NOT NULL,
  reasons jsonb NOT NULL DEFAULT '[]',
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CONSTRAINT pk_edge PRIMARY KEY (id),
  CONSTRAINT ck_edge_judgement CHECK (judgement IN ('same', 'different', 'unsure')),
  CONSTRAINT ck_edge_ordered CHECK (a < b),
  CONSTRAINT fk_edge_a_source_record FOREIGN KEY (a) REFERENCES ops.source_record (id),
  CONSTRAINT fk_edge_b_source_record FOREIGN KEY (b) REFERENCES ops.source_record (id)
);
CREATE UNIQUE INDEX edge_pair ON ops.edge (a, b, made_by) WHERE revoked_at IS NULL;
CREATE INDEX ix_edge_b ON ops.edge (b);

-- Blocking keys of records.
CREATE TABLE ops.match_key (
  record_id bigint NOT NULL,
  kind text NOT NULL,
  value text NOT NULL,
  CONSTRAINT pk_match_key PRIMARY KEY (record_id, kind, value),
  CONSTRAINT fk_match_key_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id)
);
CREATE INDEX ix_match_key_kind_value ON ops.match_key (kind, value);

-- Versions that a batch replaced; undo brings them back.
CREATE TABLE ops.record_version (
  record_id bigint NOT NULL,
  replaced_by bigint NOT NULL,
  raw_id bigint NOT NULL,
  batch_id bigint NOT NULL,
  lane text NOT NULL,
  mapping_version text NOT NULL,
  trust text NOT NULL,
  role text,
  canonical jsonb NOT NULL,
  canonical_hash bytea NOT NULL,
  refs jsonb NOT NULL,
  source_at timestamptz,
  gone_at timestamptz,
  withdrawn_by bigint,
  alias_of text,
  verdict text,
  CONSTRAINT pk_record_version PRIMARY KEY (record_id, replaced_by),
  CONSTRAINT fk_record_version_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id),
  CONSTRAINT fk_record_version_replaced_by_raw FOREIGN KEY (replaced_by)
    REFERENCES landing.raw (id)
);
CREATE INDEX ix_record_version_replaced_by ON ops.record_version (replaced_by);

-- Pairs that a person has to decide.
CREATE TABLE ops.review (
  a bigint NOT NULL,
  b bigint NOT NULL,
  weight double precision NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  decision text,
  CONSTRAINT pk_review PRIMARY KEY (a, b),
  CONSTRAINT ck_review_ordered CHECK (a < b),
  CONSTRAINT fk_review_a_source_record FOREIGN KEY (a) REFERENCES ops.source_record (id),
  CONSTRAINT fk_review_b_source_record FOREIGN KEY (b) REFERENCES ops.source_record (id)
);
CREATE INDEX ix_review_b ON ops.review (b);
