-- The audit of changes, routing decisions, outbox events and their deliveries.

-- The audit: changed fields, by whom, when.
CREATE TABLE ops.change (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint,
  batch_id bigint,
  who text NOT NULL,
  fields jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  deal_id bigint,
  CONSTRAINT pk_change PRIMARY KEY (id),
  CONSTRAINT ck_change_of_something CHECK (entity_id IS NOT NULL OR deal_id IS NOT NULL),
  CONSTRAINT fk_change_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_change_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_change_deal_id ON ops.change (deal_id);
CREATE INDEX ix_change_entity_id ON ops.change (entity_id);

-- Events to deliver.
CREATE TABLE ops.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  event text NOT NULL,
  dedupe_key text NOT NULL,
  user_id bigint NOT NULL,
  lead_id bigint,
  payload jsonb NOT NULL,
  state text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT '0',
  not_before timestamptz NOT NULL DEFAULT now(),
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  contact_id bigint,
  deal_id bigint,
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_dedupe_key UNIQUE (dedupe_key),
  CONSTRAINT ck_outbox_state CHECK (state IN ('pending', 'done', 'dead')),
  CONSTRAINT fk_outbox_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_outbox_lead_id_lead FOREIGN KEY (lead_id) REFERENCES crm.lead (id),
  CONSTRAINT fk_outbox_contact_id_contact FOREIGN KEY (contact_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_outbox_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_outbox_contact_id ON ops.outbox (contact_id);
CREATE INDEX ix_outbox_deal_id ON ops.outbox (deal_id);
CREATE INDEX ix_outbox_lead_id ON ops.outbox (lead_id);
CREATE INDEX ix_outbox_user_id ON ops.outbox (user_id);
CREATE INDEX outbox_pending ON ops.outbox (not_before, id) WHERE state = 'pending';

-- Every routing decision.
CREATE TABLE ops.turn (
  id bigint GENERATED ALWAYS AS IDENTITY,
  lead_id bigint,
  group_id bigint,
  user_id bigint,
  rule text NOT NULL,
  reason text NOT NULL,
  skipped jsonb NOT NULL DEFAULT '[]',
  next_before bigint,
  next_after bigint,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  contact_id bigint,
  deal_id bigint,
  withdrawn_by bigint,
  CONSTRAINT pk_turn PRIMARY KEY (id),
  CONSTRAINT ck_turn_of_one_record CHECK (num_nonnulls(lead_id, contact_id, deal_id) = 1 OR
    withdrawn_by IS NOT NULL AND num_nonnulls(lead_id, contact_id, deal_id) = 0),
  CONSTRAINT fk_turn_lead_id_lead FOREIGN KEY (lead_id) REFERENCES crm.lead (id),
  CONSTRAINT fk_turn_group_id_distribution_group FOREIGN KEY (group_id)
    REFERENCES crm.distribution_group (id),
  CONSTRAINT fk_turn_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_turn_contact_id_contact FOREIGN KEY (contact_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_turn_deal_id_deal FOREIGN KEY (deal_id) REFERENCES crm.deal (id)
);
CREATE INDEX ix_turn_contact_id ON ops.turn (contact_id);
CREATE INDEX ix_turn_deal_id ON ops.turn (deal_id);
CREATE INDEX ix_turn_group_id ON ops.turn (group_id);
CREATE INDEX ix_turn_lead_id ON ops.turn (lead_id);
CREATE INDEX ix_turn_user_id ON ops.turn (user_id);

-- Messages of an event, by channel and recipient.
CREATE TABLE ops.delivery (
  message_id text NOT NULL,
  outbox_id bigint NOT NULL,
  channel text NOT NULL,
  user_id bigint NOT NULL,
  recipient text,
  state text NOT NULL,
  error text,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_delivery PRIMARY KEY (message_id),
  CONSTRAINT fk_delivery_outbox_id_outbox FOREIGN KEY (outbox_id) REFERENCES ops.outbox (id),
  CONSTRAINT fk_delivery_user_id_user FOREIGN KEY (user_id) REFERENCES crm."user" (id)
);
CREATE INDEX ix_delivery_outbox_id ON ops.delivery (outbox_id);
CREATE INDEX ix_delivery_user_id ON ops.delivery (user_id);
