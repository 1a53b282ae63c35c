-- The webhook that wakes the sync, and accounts as rows. Written by hand; tests/rules/test_schema.py compares.

ALTER TABLE job_runs DROP CONSTRAINT job_runs_trigger_check;
ALTER TABLE job_runs ADD CONSTRAINT job_runs_trigger_check
  CHECK (trigger IN ('schedule', 'button', 'api', 'cli', 'code', 'rerun', 'pipeline', 'webhook'));

CREATE TABLE job_wakes (
  job_name TEXT NOT NULL,
  first_asked_at TIMESTAMP WITH TIME ZONE,
  last_asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  asked_by TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT job_wakes_pkey PRIMARY KEY (job_name)
);

CREATE TABLE webhook_calls (
  key TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT webhook_calls_pkey PRIMARY KEY (key)
);

CREATE INDEX webhook_calls_received_at_idx ON webhook_calls (received_at);

CREATE TABLE zendesk_accounts (
  source TEXT NOT NULL,
  state TEXT NOT NULL,
  decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  decided_by TEXT NOT NULL,
  CONSTRAINT zendesk_accounts_pkey PRIMARY KEY (source),
  CONSTRAINT zendesk_accounts_state_check CHECK (state IN ('synced', 'kept', 'hidden', 'cleared'))
);

-- An account that was set aside had lost its numbers; they are unique for each account from now on.
INSERT INTO zendesk_accounts (source, state, decided_by)
SELECT source, CASE WHEN bool_or(zendesk_ticket_id IS NOT NULL) THEN 'synced' ELSE 'kept' END, 'migration'
FROM tickets WHERE source LIKE 'zendesk:%' GROUP BY source;

ALTER TABLE tickets DROP CONSTRAINT tickets_zendesk_ticket_id_key;
ALTER TABLE tickets ADD CONSTRAINT tickets_zendesk_ticket_id_source_key UNIQUE (zendesk_ticket_id, source);
UPDATE tickets SET zendesk_ticket_id = source_id::bigint
WHERE source LIKE 'zendesk:%' AND zendesk_ticket_id IS NULL AND source_id ~ '^[0-9]{1,18}$';

ALTER TABLE tickets DROP CONSTRAINT tickets_gone_reason_check;
ALTER TABLE tickets ADD CONSTRAINT tickets_gone_reason_check
  CHECK (gone_reason IS NULL OR gone_reason IN ('deleted', 'missing', 'brand', 'hidden', 'cleared'));

-- A page of events asks which waiting tickets it touches.
CREATE INDEX due_conversations_source_version_idx ON due_conversations (source, version);
