CREATE TABLE model_batches (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  token TEXT NOT NULL,
  state TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt_version TEXT NOT NULL,
  question TEXT,
  settings_version BIGINT NOT NULL,
  requests INTEGER NOT NULL,
  bound_usd NUMERIC,
  provider_id TEXT,
  candidates TEXT[] DEFAULT '{}' NOT NULL,
  not_ours TEXT[] DEFAULT '{}' NOT NULL,
  looks SMALLINT DEFAULT '0' NOT NULL,
  polls INTEGER DEFAULT '0' NOT NULL,
  submitted_at TIMESTAMP WITH TIME ZONE,
  next_look_at TIMESTAMP WITH TIME ZONE,
  cancel BOOLEAN DEFAULT false NOT NULL,
  cancel_sent_at TIMESTAMP WITH TIME ZONE,
  ingested_at TIMESTAMP WITH TIME ZONE,
  deleted_at TIMESTAMP WITH TIME ZONE,
  detail TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT model_batches_pkey PRIMARY KEY (id),
  CONSTRAINT model_batches_state_check CHECK (state IN ('submitting', 'unknown', 'submitted', 'ingested', 'given_up')),
  CONSTRAINT model_batches_ingested_pair_check CHECK ((state = 'ingested') = (ingested_at IS NOT NULL)),
  CONSTRAINT model_batches_submitted_has_time_check CHECK (state <> 'submitted' OR submitted_at IS NOT NULL),
  CONSTRAINT model_batches_known_was_submitted_check CHECK (provider_id IS NULL OR submitted_at IS NOT NULL),
  CONSTRAINT model_batches_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL,
  CONSTRAINT model_batches_token_key UNIQUE (token),
  CONSTRAINT model_batches_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version),
  CONSTRAINT model_batches_provider_id_key UNIQUE (provider_id)
);

CREATE INDEX model_batches_open_idx ON model_batches (id) WHERE state IN ('submitting', 'unknown', 'submitted');

CREATE INDEX model_batches_run_id_idx ON model_batches (run_id);

CREATE TABLE model_batch_requests (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  batch_id BIGINT,
  seq INTEGER,
  ticket_ids BIGINT[] NOT NULL,
  text_hashes TEXT[] NOT NULL,
  calls SMALLINT DEFAULT '0' NOT NULL,
  wide BOOLEAN DEFAULT false NOT NULL,
  tries SMALLINT DEFAULT '0' NOT NULL,
  spent JSONB DEFAULT '[]' NOT NULL,
  articles JSONB DEFAULT '[]' NOT NULL,
  outcome TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT model_batch_requests_pkey PRIMARY KEY (id),
  CONSTRAINT model_batch_requests_batch_id_seq_key UNIQUE (batch_id, seq),
  CONSTRAINT model_batch_requests_seq_in_batch_check CHECK ((batch_id IS NULL) = (seq IS NULL)),
  CONSTRAINT model_batch_requests_outcome_check CHECK (outcome IS NULL OR outcome IN ('succeeded', 'errored', 'canceled', 'expired', 'lost')),
  CONSTRAINT model_batch_requests_answered_was_sent_check CHECK (outcome IS NULL OR batch_id IS NOT NULL),
  CONSTRAINT model_batch_requests_tickets_check CHECK (cardinality(ticket_ids) >= 1 AND cardinality(ticket_ids) = cardinality(text_hashes)),
  CONSTRAINT model_batch_requests_batch_id_fkey FOREIGN KEY(batch_id) REFERENCES model_batches (id) ON DELETE CASCADE
);

ALTER TABLE model_calls ADD COLUMN batch_id BIGINT;

ALTER TABLE model_calls ADD CONSTRAINT model_calls_batch_id_fkey
  FOREIGN KEY (batch_id) REFERENCES model_batches (id) ON DELETE SET NULL;
