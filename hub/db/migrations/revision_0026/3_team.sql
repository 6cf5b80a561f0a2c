-- The team and what it sets up: users, groups, pipelines, stages, lists, custom fields.

CREATE TABLE crm.custom_field (
  id bigint GENERATED ALWAYS AS IDENTITY,
  object text NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  choices jsonb NOT NULL DEFAULT '[]',
  is_filterable boolean NOT NULL DEFAULT true,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_custom_field PRIMARY KEY (id),
  CONSTRAINT ck_custom_field_object CHECK (object IN ('lead', 'person', 'company', 'deal')),
  CONSTRAINT ck_custom_field_type CHECK (type IN ('number', 'string', 'text', 'bool', 'date',
    'datetime', 'email', 'phone', 'url', 'address', 'list', 'multi_select_list'))
);
CREATE UNIQUE INDEX custom_field_key ON crm.custom_field (object, key);
CREATE UNIQUE INDEX custom_field_name ON crm.custom_field (object, lower(name));

-- Groups that share leads in turn, and whose turn is next.
CREATE TABLE crm.distribution_group (
  id bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  record_kind text NOT NULL DEFAULT 'lead',
  next_member_id bigint,
  next_position integer,
  CONSTRAINT pk_distribution_group PRIMARY KEY (id),
  CONSTRAINT uq_distribution_group_name UNIQUE (name),
  CONSTRAINT ck_distribution_group_record_kind CHECK (record_kind IN ('lead', 'contact', 'deal'))
);

CREATE TABLE crm.layout (
  object text NOT NULL,
  sections jsonb NOT NULL,
  CONSTRAINT pk_layout PRIMARY KEY (object),
  CONSTRAINT ck_layout_object CHECK (object IN ('lead', 'person', 'company', 'deal'))
);

CREATE TABLE crm.lead_status (
  id bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  position integer NOT NULL,
  is_unqualified boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_lead_status PRIMARY KEY (id)
);
CREATE UNIQUE INDEX lead_status_name ON crm.lead_status (lower(name));

CREATE TABLE crm.outcome (
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  name text NOT NULL,
  CONSTRAINT pk_outcome PRIMARY KEY (id),
  CONSTRAINT ck_outcome_kind CHECK (kind IN ('call', 'visit'))
);
CREATE UNIQUE INDEX outcome_name ON crm.outcome (kind, lower(name));

CREATE TABLE crm.pipeline (
  id bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  position integer NOT NULL,
  is_disabled boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  is_renewal boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_pipeline PRIMARY KEY (id)
);
CREATE UNIQUE INDEX pipeline_name ON crm.pipeline (lower(name));

CREATE TABLE crm.reason (
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  name text NOT NULL,
  CONSTRAINT pk_reason PRIMARY KEY (id),
  CONSTRAINT ck_reason_kind CHECK (kind IN ('loss', 'deal_unqualified', 'lead_unqualified'))
);
CREATE UNIQUE INDEX reason_name ON crm.reason (kind, lower(name));

-- Where leads and deals come from, as the team names it.
CREATE TABLE crm.record_source (
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  name text NOT NULL,
  CONSTRAINT pk_record_source PRIMARY KEY (id),
  CONSTRAINT ck_record_source_kind CHECK (kind IN ('lead', 'deal'))
);
CREATE UNIQUE INDEX record_source_name ON crm.record_source (kind, lower(name));

CREATE TABLE crm.smart_link (
  id bigint GENERATED ALWAYS AS IDENTITY,
  object text NOT NULL,
  name text NOT NULL,
  template text NOT NULL,
  CONSTRAINT pk_smart_link PRIMARY KEY (id),
  CONSTRAINT ck_smart_link_object CHECK (object IN ('lead', 'person', 'company', 'deal'))
);
CREATE UNIQUE INDEX smart_link_name ON crm.smart_link (object, lower(name));

-- The team.
CREATE TABLE crm."user" (
  id bigint GENERATED ALWAYS AS IDENTITY,
  email text,
  name text NOT NULL,
  is_active boolean NOT NULL,
  timezone text NOT NULL DEFAULT 'UTC',
  managed_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  role text NOT NULL DEFAULT 'rep',
  CONSTRAINT pk_user PRIMARY KEY (id),
  CONSTRAINT ck_user_role CHECK (role IN ('admin', 'manager', 'rep', 'viewer'))
);
CREATE UNIQUE INDEX user_email ON crm."user" (lower(email));

-- Members of a distribution group.
CREATE TABLE crm.member (
  group_id bigint NOT NULL,
  user_id bigint NOT NULL,
  position integer NOT NULL,
  weight integer NOT NULL DEFAULT '1',
  credit double precision NOT NULL DEFAULT '0',
  is_away boolean NOT NULL DEFAULT false,
  capacity integer,
  CONSTRAINT pk_member PRIMARY KEY (group_id, user_id),
  CONSTRAINT fk_member_group_id_distribution_group FOREIGN KEY (group_id)
    REFERENCES crm.distribution_group (id),
  CONSTRAINT fk_member_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id)
);
CREATE INDEX ix_member_user_id ON crm.member (user_id);

-- Which events reach a user on which channel.
CREATE TABLE crm.notification_preference (
  user_id bigint NOT NULL,
  event text NOT NULL,
  web boolean NOT NULL,
  email boolean NOT NULL,
  CONSTRAINT pk_notification_preference PRIMARY KEY (user_id, event),
  CONSTRAINT ck_notification_preference_event CHECK (event <> ''),
  CONSTRAINT fk_notification_preference_user_id_user FOREIGN KEY (user_id)
    REFERENCES crm."user" (id)
);

-- Owners of a source, and the user each of them is.
CREATE TABLE crm.owner_identity (
  source text NOT NULL,
  source_id text NOT NULL,
  user_id bigint,
  is_queue boolean NOT NULL,
  CONSTRAINT pk_owner_identity PRIMARY KEY (source, source_id),
  CONSTRAINT fk_owner_identity_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id)
);
CREATE INDEX ix_owner_identity_user_id ON crm.owner_identity (user_id);

CREATE TABLE crm.smart_list (
  id bigint GENERATED ALWAYS AS IDENTITY,
  object text NOT NULL,
  name text NOT NULL,
  filter jsonb NOT NULL,
  sort jsonb NOT NULL DEFAULT '[]',
  columns jsonb NOT NULL DEFAULT '[]',
  user_id bigint,
  is_shared boolean NOT NULL DEFAULT false,
  is_template boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_smart_list PRIMARY KEY (id),
  CONSTRAINT ck_smart_list_object CHECK (object IN ('lead', 'person', 'company', 'deal')),
  CONSTRAINT fk_smart_list_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id)
);
CREATE INDEX ix_smart_list_user_id ON crm.smart_list (user_id);
CREATE UNIQUE INDEX smart_list_name ON crm.smart_list (object, coalesce(user_id, 0), lower(name));

CREATE TABLE crm.stage (
  id bigint GENERATED ALWAYS AS IDENTITY,
  pipeline_id bigint NOT NULL,
  name text NOT NULL,
  category text NOT NULL,
  position integer NOT NULL,
  likelihood smallint NOT NULL,
  is_active boolean NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_stage PRIMARY KEY (id),
  CONSTRAINT ck_stage_category CHECK (category IN ('incoming', 'in_progress', 'won',
    'unqualified', 'lost')),
  CONSTRAINT ck_stage_likelihood CHECK (likelihood BETWEEN 0 AND 100),
  CONSTRAINT fk_stage_pipeline_id_pipeline FOREIGN KEY (pipeline_id) REFERENCES crm.pipeline (id)
);
CREATE UNIQUE INDEX stage_name ON crm.stage (pipeline_id, lower(name));

-- What a deal must have before it enters a stage.
CREATE TABLE crm.stage_criterion (
  id bigint GENERATED ALWAYS AS IDENTITY,
  stage_id bigint NOT NULL,
  kind text NOT NULL,
  what text NOT NULL,
  severity text NOT NULL,
  position integer NOT NULL,
  CONSTRAINT pk_stage_criterion PRIMARY KEY (id),
  CONSTRAINT ck_stage_criterion_kind CHECK (kind IN ('field', 'check')),
  CONSTRAINT ck_stage_criterion_severity CHECK (severity IN ('warn', 'refuse')),
  CONSTRAINT fk_stage_criterion_stage_id_stage FOREIGN KEY (stage_id) REFERENCES crm.stage (id)
);
CREATE UNIQUE INDEX stage_criterion_once ON crm.stage_criterion (stage_id, kind, what);
