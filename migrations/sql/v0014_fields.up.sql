-- Names of custom fields and statuses, who renews a token, and calls a minute. Written by hand;
-- tests/rules/test_schema.py compares.

CREATE TABLE zendesk_titles (
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  number BIGINT NOT NULL,
  title TEXT NOT NULL,
  type TEXT,
  options JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT zendesk_titles_pkey PRIMARY KEY (source, kind, number),
  CONSTRAINT zendesk_titles_kind_check CHECK (kind IN ('field', 'status'))
);

ALTER TABLE zendesk_accounts ADD COLUMN titles_read_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE access_tokens ADD COLUMN renewing_run BIGINT;
ALTER TABLE access_tokens ADD COLUMN renewing_lease BIGINT;

ALTER TABLE rate_budgets ADD COLUMN minute_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE rate_budgets ADD COLUMN minute_calls BIGINT DEFAULT 0 NOT NULL;
ALTER TABLE rate_budgets ADD COLUMN minute_before BIGINT DEFAULT 0 NOT NULL;

-- Every sync looks at the merged tickets, which are few.
CREATE INDEX tickets_merged_idx ON tickets (source) WHERE merged_into IS NOT NULL;
