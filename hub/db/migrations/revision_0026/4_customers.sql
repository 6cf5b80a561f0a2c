-- Leads, contacts, deals and tickets, with the indexes of their lists.

-- Search tokens of a row: its words, tags, custom fields and the month it was added, each as a
-- hash of 64 bits. Lists ask for them with the index `<table>_facets`; hub.crm.smart_lists makes
-- the same tokens from a filter.

CREATE FUNCTION crm.hashed(facts text[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  found bigint[] := '{}';
  fact text;
BEGIN
  FOREACH fact IN ARRAY facts LOOP
    found := found || hashtextextended(fact, 0);
  END LOOP;
  RETURN found;
END $body$;

CREATE FUNCTION crm.facts(tags jsonb, custom jsonb, added timestamptz, words text[])
RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  said text[] := '{}';
  key text; value jsonb; kind text; word text; begins text; size numeric; power integer;
  digits text; year text; month text; day integer;
BEGIN
  FOREACH word IN ARRAY words LOOP
    IF word IS NOT NULL THEN said := said || word; END IF;
  END LOOP;
  IF added IS NOT NULL THEN
    year := CAST(
      least(greatest(extract(year FROM added AT TIME ZONE 'UTC'), 1949), 2051) AS integer);
    month := coalesce(extract(month FROM added AT TIME ZONE 'UTC'), 1);  -- infinity has none
    said := said || ARRAY['added=' || left(year, 3), 'added=' || year,
      'added=' || year || '-' || lpad(month, 2, '0')];
  END IF;
  IF jsonb_typeof(tags) = 'array' AND tags <> '[]' THEN
    FOR value IN SELECT t FROM jsonb_array_elements(tags) t LOOP
      IF jsonb_typeof(value) = 'string' THEN said := said || ('tags=' || (value #>> '{}')); END IF;
    END LOOP;
  END IF;
  IF jsonb_typeof(custom) = 'object' AND custom <> '{}' THEN
    FOR key, value IN SELECT e.key, e.value FROM jsonb_each(custom) e LOOP
      kind := jsonb_typeof(value);
      begins := '.' || length(key) || ':' || key;
      CASE kind
      WHEN 'array' THEN
        FOR value IN SELECT t FROM jsonb_array_elements(value) t LOOP
          IF jsonb_typeof(value) = 'string' THEN
            said := said || (begins || '[' || (value #>> '{}'));
          END IF;
        END LOOP;
      WHEN 'boolean' THEN
        said := said || (begins || '=' || (value #>> '{}'));
      WHEN 'number' THEN
        word := CAST(trim_scale(CAST(value AS numeric)) AS text);
        said := said || (begins || '=#' || word);
        size := abs(CAST(value AS numeric));
        IF size = 0 THEN said := said || (begins || ' 0'); CONTINUE; END IF;
        IF left(word, 1) = '-' THEN
          said := said || (begins || ' -');
          word := substr(word, 2);
          begins := begins || ' -';
        ELSE
          begins := begins || ' +';
        END IF;
        IF size < 0.01 THEN said := said || (begins || '-3'); CONTINUE; END IF;
        IF size >= 1000000000 THEN said := said || (begins || '9'); CONTINUE; END IF;
        IF size >= 1 THEN
          power := length(split_part(word, '.', 1)) - 1;
          digits := replace(word, '.', '');
        ELSE
          digits := ltrim(split_part(word, '.', 2), '0');
          power := length(digits) - length(split_part(word, '.', 2)) - 1;
        END IF;
        digits := left(rpad(digits, 3, '0'), 3);
        begins := begins || power;
        said := said || ARRAY[begins, begins || ':' || left(digits, 1),
          begins || ':' || left(digits, 2), begins || ':' || digits];
      WHEN 'string' THEN
        word := value #>> '{}';
        said := said || (begins || '="' || word);
        IF word ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$' THEN
          begins := begins || CASE length(word) WHEN 10 THEN ' d' ELSE ' m' END;
          year := least(greatest(left(word, 4), '1949'), '2051');
          day := CAST(substr(word, 9, 2) AS integer);
          word := begins || year || substr(word, 5, 3);
          said := said || ARRAY[begins || left(year, 3), begins || year, word,
            word || '/' || least((day - 1) / 10, 2), word || '-' || lpad(CAST(day AS text), 2, '0')];
        END IF;
      ELSE
        NULL;
      END CASE;
    END LOOP;
  END IF;
  RETURN crm.hashed(said);
END $body$;

-- People and organizations. kept_by tells whether a source or a person keeps the row.
CREATE TABLE crm.contact (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint NOT NULL,
  first_name text,
  last_name text,
  email text,
  emails jsonb,
  phone text,
  mobile text,
  fax text,
  organization_name text,
  title text,
  industry text,
  website text,
  description text,
  street text,
  postal_code text,
  city text,
  state text,
  country text,
  lead_source text,
  tags jsonb,
  custom_fields jsonb,
  created_at timestamptz,
  customer_type text,
  prospect_type text,
  is_organization boolean NOT NULL DEFAULT false,
  company_id bigint,
  owner_id bigint,
  last_activity_at timestamptz,
  batch_id bigint NOT NULL,
  archived_at timestamptz,
  merged_into bigint,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  last_communication_at timestamptz,
  next_task_at timestamptz,
  customer_status text NOT NULL DEFAULT 'none',
  prospect_status text NOT NULL DEFAULT 'none',
  kept_by text NOT NULL DEFAULT 'source',
  sort_key text COLLATE "C" GENERATED ALWAYS AS (
    left(lower(regexp_replace(
      normalize(ltrim(
        coalesce(last_name, '') || ' ' || coalesce(first_name, '') || ' '
        || coalesce(organization_name, '')
      ), NFD),
      '[\u0300-\u036f]', '', 'g')), 200)
  ) STORED,
  names text COLLATE "C" GENERATED ALWAYS AS (
    lower(regexp_replace(
      normalize(coalesce(last_name, '') || ' ' || coalesce(first_name, ''), NFD),
      '[\u0300-\u036f]', '', 'g'))
  ) STORED,
  facts bigint[] GENERATED ALWAYS AS (
    crm.facts(tags, custom_fields, created_at, ARRAY[
      'customer_status=' || lower(customer_status),
      'prospect_status=' || lower(prospect_status),
      'customer_type=' || lower(customer_type),
      'prospect_type=' || lower(prospect_type),
      'lead_source=' || lower(lead_source),
      'title=' || lower(title),
      'industry=' || lower(industry),
      'website=' || lower(website),
      'phone=' || lower(phone),
      'mobile=' || lower(mobile),
      'fax=' || lower(fax),
      'street=' || lower(street),
      'postal_code=' || lower(postal_code),
      'city=' || lower(city),
      'state=' || lower(state),
      'country=' || lower(country)
    ])
  ) STORED,
  CONSTRAINT pk_contact PRIMARY KEY (id),
  CONSTRAINT uq_contact_entity_id UNIQUE (entity_id),
  CONSTRAINT ck_contact_kept_by CHECK (kept_by IN ('source', 'person')),
  CONSTRAINT fk_contact_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_contact_company_id_contact FOREIGN KEY (company_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_contact_owner_id_user FOREIGN KEY (owner_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_contact_merged_into_contact FOREIGN KEY (merged_into) REFERENCES crm.contact (id)
);
CREATE INDEX contact_by_created_at
  ON crm.contact (is_organization, created_at, id)
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_by_last_activity_at
  ON crm.contact (is_organization, last_activity_at, id)
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_by_last_communication_at
  ON crm.contact (is_organization, last_communication_at, id)
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_by_name
  ON crm.contact (is_organization, sort_key, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_by_next_task_at
  ON crm.contact (is_organization, next_task_at, id)
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_email
  ON crm.contact (lower(email), id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX contact_facets
  ON crm.contact USING gin (
    names gin_trgm_ops,
    lower(
      coalesce(city, '') || ' ' || coalesce(phone, '') || ' ' || coalesce(mobile, '') || ' '
      || coalesce(title, '') || ' ' || coalesce(website, '')
    ) gin_trgm_ops,
    lower(email) gin_trgm_ops,
    lower(organization_name) gin_trgm_ops,
    facts
  )
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX ix_contact_company_id ON crm.contact (company_id);
CREATE INDEX ix_contact_merged_into ON crm.contact (merged_into);
CREATE INDEX ix_contact_owner_id_created_at ON crm.contact (owner_id, created_at);
CREATE STATISTICS crm.contact_emails ON (lower(email)) FROM crm.contact;
CREATE STATISTICS crm.contact_organizations ON (lower(organization_name)) FROM crm.contact;
ALTER TABLE crm.contact ALTER COLUMN names SET STATISTICS 400;
ALTER TABLE crm.contact ALTER COLUMN facts SET STATISTICS 400;

-- Open and converted leads. account_id is the contact of the lead's company.
CREATE TABLE crm.lead (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entity_id bigint NOT NULL,
  first_name text,
  last_name text,
  email text,
  emails jsonb,
  phone text,
  mobile text,
  fax text,
  organization_name text,
  title text,
  industry text,
  website text,
  description text,
  street text,
  postal_code text,
  city text,
  state text,
  country text,
  lead_source text,
  tags jsonb,
  custom_fields jsonb,
  created_at timestamptz,
  owner_id bigint,
  status text NOT NULL DEFAULT 'New',
  unqualified_reason text,
  converted_at timestamptz,
  last_activity_at timestamptz,
  legacy_owner text,
  lane text NOT NULL,
  batch_id bigint NOT NULL,
  archived_at timestamptz,
  merged_into bigint,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  contact_id bigint,
  last_communication_at timestamptz,
  next_task_at timestamptz,
  first_response_at timestamptz,
  account_id bigint,
  account_why text,
  sort_key text COLLATE "C" GENERATED ALWAYS AS (
    left(lower(regexp_replace(
      normalize(ltrim(
        coalesce(last_name, '') || ' ' || coalesce(first_name, '') || ' '
        || coalesce(organization_name, '')
      ), NFD),
      '[\u0300-\u036f]', '', 'g')), 200)
  ) STORED,
  names text COLLATE "C" GENERATED ALWAYS AS (
    lower(regexp_replace(
      normalize(coalesce(last_name, '') || ' ' || coalesce(first_name, ''), NFD),
      '[\u0300-\u036f]', '', 'g'))
  ) STORED,
  facts bigint[] GENERATED ALWAYS AS (
    crm.facts(tags, custom_fields, created_at, ARRAY[
      'status=' || lower(status),
      'unqualified_reason=' || lower(unqualified_reason),
      'lead_source=' || lower(lead_source),
      'title=' || lower(title),
      'industry=' || lower(industry),
      'website=' || lower(website),
      'phone=' || lower(phone),
      'mobile=' || lower(mobile),
      'fax=' || lower(fax),
      'street=' || lower(street),
      'postal_code=' || lower(postal_code),
      'city=' || lower(city),
      'state=' || lower(state),
      'country=' || lower(country)
    ])
  ) STORED,
  CONSTRAINT pk_lead PRIMARY KEY (id),
  CONSTRAINT uq_lead_entity_id UNIQUE (entity_id),
  CONSTRAINT fk_lead_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id),
  CONSTRAINT fk_lead_owner_id_user FOREIGN KEY (owner_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_lead_merged_into_lead FOREIGN KEY (merged_into) REFERENCES crm.lead (id),
  CONSTRAINT fk_lead_contact_id_contact FOREIGN KEY (contact_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_lead_account_id_contact FOREIGN KEY (account_id) REFERENCES crm.contact (id)
);
CREATE INDEX ix_lead_account_id ON crm.lead (account_id);
CREATE INDEX ix_lead_contact_id ON crm.lead (contact_id);
CREATE INDEX ix_lead_merged_into ON crm.lead (merged_into);
CREATE INDEX ix_lead_owner_id_created_at ON crm.lead (owner_id, created_at);
CREATE INDEX lead_arrived ON crm.lead (coalesce(created_at, recorded_at));
CREATE INDEX lead_by_created_at
  ON crm.lead (created_at, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_by_last_activity_at
  ON crm.lead (last_activity_at, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_by_last_communication_at
  ON crm.lead (last_communication_at, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_by_name
  ON crm.lead (sort_key, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_by_next_task_at
  ON crm.lead (next_task_at, id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_email
  ON crm.lead (lower(email), id) WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_facets
  ON crm.lead USING gin (
    names gin_trgm_ops,
    lower(
      coalesce(city, '') || ' ' || coalesce(phone, '') || ' ' || coalesce(mobile, '') || ' '
      || coalesce(title, '') || ' ' || coalesce(website, '')
    ) gin_trgm_ops,
    lower(email) gin_trgm_ops,
    lower(organization_name) gin_trgm_ops,
    facts
  )
  WHERE archived_at IS NULL AND merged_into IS NULL;
CREATE INDEX lead_unowned
  ON crm.lead (created_at, id)
  WHERE owner_id IS NULL AND archived_at IS NULL AND merged_into IS NULL;
CREATE STATISTICS crm.lead_emails ON (lower(email)) FROM crm.lead;
CREATE STATISTICS crm.lead_organizations ON (lower(organization_name)) FROM crm.lead;
ALTER TABLE crm.lead ALTER COLUMN names SET STATISTICS 400;
ALTER TABLE crm.lead ALTER COLUMN facts SET STATISTICS 400;

CREATE TABLE crm.ticket (
  id bigint GENERATED ALWAYS AS IDENTITY,
  record_id bigint NOT NULL,
  source text NOT NULL,
  source_id text NOT NULL,
  requester text,
  entity_id bigint,
  subject text,
  description text,
  status text,
  priority text,
  ticket_type text,
  channel text,
  group_name text,
  satisfaction text,
  url text,
  tags jsonb,
  custom_fields jsonb,
  created_at timestamptz,
  updated_at timestamptz,
  archived_at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_ticket PRIMARY KEY (id),
  CONSTRAINT uq_ticket_record_id UNIQUE (record_id),
  CONSTRAINT fk_ticket_record_id_source_record FOREIGN KEY (record_id)
    REFERENCES ops.source_record (id),
  CONSTRAINT fk_ticket_entity_id_entity FOREIGN KEY (entity_id) REFERENCES ops.entity (id)
);
CREATE INDEX ix_ticket_entity_id ON crm.ticket (entity_id);
CREATE INDEX ix_ticket_source_requester ON crm.ticket (source, requester);
CREATE INDEX ticket_open
  ON crm.ticket (entity_id)
  WHERE archived_at IS NULL AND coalesce(status, '') NOT IN ('solved', 'closed');

CREATE TABLE crm.deal (
  id bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  contact_id bigint NOT NULL,
  organization_id bigint,
  owner_id bigint,
  pipeline_id bigint NOT NULL,
  stage_id bigint NOT NULL,
  value numeric(18, 2) NOT NULL DEFAULT '0',
  currency text NOT NULL,
  is_hot boolean NOT NULL DEFAULT false,
  source text,
  loss_reason_id bigint,
  unqualified_reason_id bigint,
  estimated_close_date date,
  customized_win_likelihood smallint,
  added_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  last_stage_change_at timestamptz NOT NULL DEFAULT now(),
  last_activity_at timestamptz,
  last_communication_at timestamptz,
  next_task_at timestamptz,
  tags jsonb NOT NULL DEFAULT '[]',
  custom_fields jsonb NOT NULL DEFAULT '{}',
  lead_id bigint,
  cloned_from bigint,
  archived_at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  facts bigint[] GENERATED ALWAYS AS (
    crm.facts(tags, custom_fields, added_at, ARRAY[
      'currency=' || lower(currency),
      'source=' || lower(source)
    ])
  ) STORED,
  CONSTRAINT pk_deal PRIMARY KEY (id),
  CONSTRAINT ck_deal_currency CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT ck_deal_likelihood CHECK (customized_win_likelihood BETWEEN 0 AND 100),
  CONSTRAINT fk_deal_contact_id_contact FOREIGN KEY (contact_id) REFERENCES crm.contact (id),
  CONSTRAINT fk_deal_organization_id_contact FOREIGN KEY (organization_id)
    REFERENCES crm.contact (id),
  CONSTRAINT fk_deal_owner_id_user FOREIGN KEY (owner_id) REFERENCES crm."user" (id),
  CONSTRAINT fk_deal_pipeline_id_pipeline FOREIGN KEY (pipeline_id) REFERENCES crm.pipeline (id),
  CONSTRAINT fk_deal_stage_id_stage FOREIGN KEY (stage_id) REFERENCES crm.stage (id),
  CONSTRAINT fk_deal_loss_reason_id_reason FOREIGN KEY (loss_reason_id) REFERENCES crm.reason (id),
  CONSTRAINT fk_deal_unqualified_reason_id_reason FOREIGN KEY (unqualified_reason_id)
    REFERENCES crm.reason (id),
  CONSTRAINT fk_deal_lead_id_lead FOREIGN KEY (lead_id) REFERENCES crm.lead (id),
  CONSTRAINT fk_deal_cloned_from_deal FOREIGN KEY (cloned_from) REFERENCES crm.deal (id)
);
CREATE INDEX deal_added ON crm.deal (added_at);
CREATE INDEX deal_by_added_at ON crm.deal (added_at, id) WHERE archived_at IS NULL;
CREATE INDEX deal_by_estimated_close_date
  ON crm.deal (estimated_close_date, id) WHERE archived_at IS NULL;
CREATE INDEX deal_by_last_activity_at ON crm.deal (last_activity_at, id) WHERE archived_at IS NULL;
CREATE INDEX deal_by_last_communication_at
  ON crm.deal (last_communication_at, id) WHERE archived_at IS NULL;
CREATE INDEX deal_by_next_task_at ON crm.deal (next_task_at, id) WHERE archived_at IS NULL;
CREATE INDEX deal_by_value ON crm.deal (value, id) WHERE archived_at IS NULL;
CREATE INDEX deal_closed ON crm.deal (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX deal_facets
  ON crm.deal USING gin (lower(name) gin_trgm_ops, facts) WHERE archived_at IS NULL;
CREATE INDEX ix_deal_cloned_from ON crm.deal (cloned_from);
CREATE INDEX ix_deal_contact_id ON crm.deal (contact_id);
CREATE INDEX ix_deal_lead_id ON crm.deal (lead_id);
CREATE INDEX ix_deal_organization_id ON crm.deal (organization_id);
CREATE INDEX ix_deal_owner_id ON crm.deal (owner_id);
CREATE INDEX ix_deal_stage_id ON crm.deal (stage_id);
