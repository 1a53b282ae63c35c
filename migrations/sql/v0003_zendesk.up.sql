-- The Zendesk sync. Written by hand; tests/rules/test_schema.py compares it with miner/models.py.

ALTER TABLE customers ADD COLUMN renewal_date DATE;
ALTER TABLE customers ADD COLUMN fields JSONB DEFAULT '{}' NOT NULL;

ALTER TABLE tickets ADD COLUMN gone_reason TEXT;
ALTER TABLE tickets ADD COLUMN merged_into BIGINT;
ALTER TABLE tickets ADD COLUMN comment_count INTEGER;
ALTER TABLE tickets ADD COLUMN conversation_version BIGINT;
ALTER TABLE tickets ADD CONSTRAINT tickets_gone_reason_check
  CHECK (gone_reason IS NULL OR gone_reason IN ('deleted', 'missing', 'brand', 'cleared'));
ALTER TABLE tickets ADD CONSTRAINT tickets_gone_pair_check CHECK (gone_reason IS NULL OR deleted_at IS NOT NULL);

ALTER TABLE sync_cursors ADD COLUMN start_time BIGINT;
ALTER TABLE sync_cursors ADD COLUMN end_time BIGINT;
ALTER TABLE sync_cursors ADD COLUMN page_size INTEGER DEFAULT 1000 NOT NULL;
ALTER TABLE sync_cursors ADD COLUMN covered_from BIGINT;
ALTER TABLE sync_cursors ADD COLUMN brands BIGINT[];
ALTER TABLE sync_cursors ADD COLUMN counts_notes BOOLEAN;

CREATE TABLE due_conversations (
  source TEXT NOT NULL,
  ticket_number BIGINT NOT NULL,
  version BIGINT NOT NULL,
  priority SMALLINT NOT NULL,
  transcript TEXT,
  queued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT due_conversations_pkey PRIMARY KEY (source, ticket_number),
  CONSTRAINT due_conversations_transcript_check CHECK (transcript IS NULL OR transcript IN ('log', 'audits'))
);

CREATE INDEX due_conversations_order_idx ON due_conversations (source, priority, version DESC, ticket_number);

CREATE TABLE ticket_merges (
  source TEXT NOT NULL,
  loser BIGINT NOT NULL,
  target BIGINT NOT NULL,
  CONSTRAINT ticket_merges_pkey PRIMARY KEY (source, loser)
);

CREATE TABLE staged_comments (
  source TEXT NOT NULL,
  ticket_number BIGINT NOT NULL,
  comment_id BIGINT NOT NULL,
  content JSONB NOT NULL,
  CONSTRAINT staged_comments_pkey PRIMARY KEY (source, ticket_number, comment_id)
);

CREATE TABLE rate_budgets (
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  per_minute INTEGER NOT NULL,
  next_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  not_before TIMESTAMP WITH TIME ZONE,
  calls BIGINT DEFAULT 0 NOT NULL,
  refusals BIGINT DEFAULT 0 NOT NULL,
  CONSTRAINT rate_budgets_pkey PRIMARY KEY (source, name),
  CONSTRAINT rate_budgets_name_check CHECK (name IN ('export', 'account')),
  CONSTRAINT rate_budgets_per_minute_check CHECK (per_minute > 0)
);

CREATE TABLE access_tokens (
  source TEXT NOT NULL,
  token TEXT,
  renew_at TIMESTAMP WITH TIME ZONE,
  renewing_until TIMESTAMP WITH TIME ZONE,
  generation BIGINT DEFAULT 0 NOT NULL,
  CONSTRAINT access_tokens_pkey PRIMARY KEY (source)
);

CREATE TABLE mirror_checks (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  source TEXT NOT NULL,
  run_id BIGINT,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  complete_through TIMESTAMP WITH TIME ZONE,
  expected BIGINT,
  stored BIGINT NOT NULL,
  missing BIGINT NOT NULL,
  vanished BIGINT NOT NULL,
  waiting BIGINT NOT NULL,
  CONSTRAINT mirror_checks_pkey PRIMARY KEY (id),
  CONSTRAINT mirror_checks_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX mirror_checks_source_id_idx ON mirror_checks (source, id DESC);

CREATE TABLE customer_facts (
  key TEXT NOT NULL,
  facts JSONB NOT NULL,
  uploaded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT customer_facts_pkey PRIMARY KEY (key)
);

INSERT INTO schedules (id, title, job_name, args, cron) VALUES
  ('weekly_reconcile', 'Weekly Reconcile', 'reconcile', '{}', '30 4 * * 0');
