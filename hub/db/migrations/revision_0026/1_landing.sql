-- What the sources sent, as it came: raw versions, checkpoints, quarantine, corrections.

-- Where each stream goes on reading.
CREATE TABLE landing.checkpoint (
  source text NOT NULL,
  stream text NOT NULL,
  slice text NOT NULL DEFAULT '',
  cursor jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_checkpoint PRIMARY KEY (source, stream, slice)
);

-- Values that a person corrected in a raw record.
CREATE TABLE landing.correction (
  id bigint GENERATED ALWAYS AS IDENTITY,
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  hash bytea NOT NULL,
  quarantine_id bigint NOT NULL,
  field text NOT NULL,
  path text NOT NULL,
  value jsonb NOT NULL,
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_correction PRIMARY KEY (id)
);
CREATE INDEX ix_correction_source_stream_source_id
  ON landing.correction (source, stream, source_id);

-- Every version of every record, append-only. A payload that is no JSON is kept as bytes.
CREATE TABLE landing.raw (
  id bigint GENERATED ALWAYS AS IDENTITY,
  batch_id bigint NOT NULL,
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  op text NOT NULL,
  at timestamptz,
  version text NOT NULL,
  hash bytea NOT NULL,
  payload json,
  into_id text,
  landed_at timestamptz NOT NULL DEFAULT now(),
  body bytea,
  withdrawn_by bigint,
  CONSTRAINT pk_raw PRIMARY KEY (id),
  CONSTRAINT ck_raw_payload_or_body CHECK ((payload IS NULL) <> (body IS NULL))
);
CREATE INDEX ix_raw_batch_id ON landing.raw (batch_id);
CREATE INDEX ix_raw_source_stream_source_id_id ON landing.raw (source, stream, source_id, id);

-- The newest version of each record.
CREATE TABLE landing.head (
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  raw_id bigint NOT NULL,
  hash bytea NOT NULL,
  op text NOT NULL,
  CONSTRAINT pk_head PRIMARY KEY (source, stream, source_id),
  CONSTRAINT fk_head_raw_id_raw FOREIGN KEY (raw_id) REFERENCES landing.raw (id)
);
CREATE INDEX ix_head_raw_id ON landing.head (raw_id);

-- What a mapping refused: the field, its value and the reason.
CREATE TABLE landing.quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY,
  batch_id bigint NOT NULL,
  raw_id bigint,
  source text NOT NULL,
  stream text NOT NULL,
  source_id text NOT NULL,
  mapping_version text NOT NULL DEFAULT '',
  field text NOT NULL,
  value text NOT NULL,
  reason text NOT NULL,
  severity text NOT NULL,
  retryable boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  CONSTRAINT pk_quarantine PRIMARY KEY (id),
  CONSTRAINT fk_quarantine_raw_id_raw FOREIGN KEY (raw_id) REFERENCES landing.raw (id)
);
CREATE INDEX ix_quarantine_raw_id ON landing.quarantine (raw_id);
CREATE INDEX ix_quarantine_source_stream_source_id
  ON landing.quarantine (source, stream, source_id);
