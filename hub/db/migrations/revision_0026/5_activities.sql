-- What happens on a lead, contact or deal: notes, tasks, calls, messages, alerts.

-- What a lead asked, by the record that says it.
CREATE TABLE crm.inquiry (
  id bigint GENERATED ALWAYS AS IDENTITY,
  record_id bigint NOT NULL,
  entity_id bigint NOT NULL,
  channel text NOT NULL,
  subject text,
  message text,
  created_at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_inquiry PRIMARY KEY (id),
  CONSTRAINT uq_inquiry_record_id UNIQUE (record_id),
  CONSTRAINT fk_inquiry_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id),
  CONSTRAINT fk_inquiry_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_inquiry_entity_id ON crm.inquiry (entity_id);

CREATE TABLE crm.alert (
  id bigint GENERATED ALWAYS AS IDENTITY,
  dedupe_key text NOT NULL,
  user_id bigint NOT NULL,
  lead_id bigint,
  event text NOT NULL,
  text text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  read_at timestamptz,
  contact_id bigint,
  deal_id bigint,
  CONSTRAINT pk_alert PRIMARY KEY (id),
  CONSTRAINT uq_alert_dedupe_key UNIQUE (dedupe_key),
  CONSTRAINT fk_alert_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_alert_lead_id_lead FOREIGN KEY (lead_id) REFERENCES crm.lead (id),
  CONSTRAINT fk_alert_contact_id_contact FOREIGN KEY (contact_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_alert_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_alert_contact_id ON crm.alert (contact_id);
CREATE INDEX ix_alert_deal_id ON crm.alert (deal_id);
CREATE INDEX ix_alert_lead_id ON crm.alert (lead_id);
CREATE INDEX ix_alert_user_id ON crm.alert (user_id);

CREATE TABLE crm.call (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint,
  deal_id bigint,
  who text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  made_at timestamptz NOT NULL,
  is_incoming boolean NOT NULL DEFAULT false,
  is_missed boolean NOT NULL DEFAULT false,
  duration_s integer,
  phone_number text,
  outcome_id bigint,
  summary text,
  recording_url text,
  external_id text,
  CONSTRAINT pk_call PRIMARY KEY (id),
  CONSTRAINT ck_call_on_something CHECK (entity_id IS NOT NULL OR deal_id IS NOT NULL),
  CONSTRAINT fk_call_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_call_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_call_outcome_id_outcome FOREIGN KEY (outcome_id) REFERENCES crm.outcome (id)
);
CREATE INDEX ix_call_deal_id ON crm.call (deal_id);
CREATE INDEX ix_call_entity_id ON crm.call (entity_id);

-- What was made of a converted lead.
CREATE TABLE crm.conversion (
  id bigint GENERATED ALWAYS AS IDENTITY,
  lead_id bigint NOT NULL,
  person_id bigint,
  company_id bigint,
  deal_id bigint,
  made jsonb NOT NULL DEFAULT '{}',
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  reopened_at timestamptz,
  reopened_by text,
  CONSTRAINT pk_conversion PRIMARY KEY (id),
  CONSTRAINT fk_conversion_lead_id_lead FOREIGN KEY (lead_id) REFERENCES crm.lead (id),
  CONSTRAINT fk_conversion_person_id_contact FOREIGN KEY (person_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_conversion_company_id_contact FOREIGN KEY (company_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_conversion_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE UNIQUE INDEX conversion_standing ON crm.conversion (lead_id) WHERE reopened_at IS NULL;
CREATE INDEX ix_conversion_company_id ON crm.conversion (company_id);
CREATE INDEX ix_conversion_lead_id ON crm.conversion (lead_id);
CREATE INDEX ix_conversion_person_id ON crm.conversion (person_id);

-- Criteria of a stage that a person ticked on a deal.
CREATE TABLE crm.deal_check (
  deal_id bigint NOT NULL,
  criterion_id bigint NOT NULL,
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_deal_check PRIMARY KEY (deal_id, criterion_id),
  CONSTRAINT fk_deal_check_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_deal_check_criterion_id_stage_criterion FOREIGN KEY (criterion_id)
    REFERENCES crm.stage_criterion (id)
);
CREATE INDEX ix_deal_check_criterion_id ON crm.deal_check (criterion_id);

CREATE TABLE crm.deal_contact (
  deal_id bigint NOT NULL,
  contact_id bigint NOT NULL,
  role text NOT NULL DEFAULT 'involved',
  CONSTRAINT pk_deal_contact PRIMARY KEY (deal_id, contact_id),
  CONSTRAINT fk_deal_contact_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_deal_contact_contact_id_contact FOREIGN KEY (contact_id)
    REFERENCES crm.contact (id)
);
CREATE INDEX ix_deal_contact_contact_id ON crm.deal_contact (contact_id);

CREATE TABLE crm.message (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint,
  deal_id bigint,
  who text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  kind text NOT NULL,
  sent_at timestamptz NOT NULL,
  is_incoming boolean NOT NULL DEFAULT false,
  subject text,
  content text,
  address text,
  external_id text,
  CONSTRAINT pk_message PRIMARY KEY (id),
  CONSTRAINT ck_message_kind CHECK (kind IN ('email', 'text', 'chat')),
  CONSTRAINT ck_message_on_something CHECK (entity_id IS NOT NULL OR deal_id IS NOT NULL),
  CONSTRAINT fk_message_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_message_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_message_deal_id ON crm.message (deal_id);
CREATE INDEX ix_message_entity_id ON crm.message (entity_id);

CREATE TABLE crm.note (
  id bigint GENERATED ALWAYS AS IDENTITY,
  record_id bigint,
  entity_id bigint,
  content text NOT NULL,
  created_at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  deal_id bigint,
  who text,
  is_important boolean NOT NULL DEFAULT false,
  archived_at timestamptz,
  CONSTRAINT pk_note PRIMARY KEY (id),
  CONSTRAINT uq_note_record_id UNIQUE (record_id),
  CONSTRAINT ck_note_on_something CHECK (entity_id IS NOT NULL OR deal_id IS NOT NULL),
  CONSTRAINT fk_note_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id),
  CONSTRAINT fk_note_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_note_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_note_deal_id ON crm.note (deal_id);
CREATE INDEX ix_note_entity_id ON crm.note (entity_id);

-- The stages that a deal passed.
CREATE TABLE crm.stage_transition (
  id bigint GENERATED ALWAYS AS IDENTITY,
  deal_id bigint NOT NULL,
  from_stage_id bigint,
  to_stage_id bigint NOT NULL,
  who text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT pk_stage_transition PRIMARY KEY (id),
  CONSTRAINT fk_stage_transition_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_stage_transition_from_stage_id_stage FOREIGN KEY (from_stage_id)
    REFERENCES crm.stage (id),
  CONSTRAINT fk_stage_transition_to_stage_id_stage FOREIGN KEY (to_stage_id)
    REFERENCES crm.stage (id)
);
CREATE INDEX ix_stage_transition_at ON crm.stage_transition (at);
CREATE INDEX ix_stage_transition_deal_id_at ON crm.stage_transition (deal_id, at);

CREATE TABLE crm.task (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint,
  deal_id bigint,
  who text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  content text NOT NULL,
  owner_id bigint,
  due_at timestamptz,
  remind_at timestamptz,
  completed_at timestamptz,
  CONSTRAINT pk_task PRIMARY KEY (id),
  CONSTRAINT fk_task_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_task_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_task_owner_id_user FOREIGN KEY (owner_id) REFERENCES crm."user" (id)
);
CREATE INDEX ix_task_deal_id ON crm.task (deal_id);
CREATE INDEX ix_task_entity_id ON crm.task (entity_id);
CREATE INDEX task_due
  ON crm.task (owner_id, due_at) WHERE completed_at IS NULL AND archived_at IS NULL;
CREATE INDEX task_open ON crm.task (due_at, id) WHERE completed_at IS NULL AND archived_at IS NULL;

CREATE TABLE crm.visit (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint,
  deal_id bigint,
  who text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  visited_at timestamptz NOT NULL,
  address text,
  outcome_id bigint,
  summary text,
  CONSTRAINT pk_visit PRIMARY KEY (id),
  CONSTRAINT ck_visit_on_something CHECK (entity_id IS NOT NULL OR deal_id IS NOT NULL),
  CONSTRAINT fk_visit_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_visit_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id),
  CONSTRAINT fk_visit_outcome_id_outcome FOREIGN KEY (outcome_id) REFERENCES crm.outcome (id)
);
CREATE INDEX ix_visit_deal_id ON crm.visit (deal_id);
CREATE INDEX ix_visit_entity_id ON crm.visit (entity_id);
