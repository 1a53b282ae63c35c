ALTER TABLE issues ADD COLUMN facts JSONB DEFAULT '{}' NOT NULL;

CREATE TABLE model_calls (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  model TEXT NOT NULL,
  request_id TEXT,
  prompt_version TEXT NOT NULL,
  outcome TEXT NOT NULL,
  tickets INTEGER NOT NULL,
  input_tokens BIGINT,
  cache_write_tokens BIGINT,
  cache_read_tokens BIGINT,
  output_tokens BIGINT,
  cost_usd NUMERIC,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT model_calls_pkey PRIMARY KEY (id),
  CONSTRAINT model_calls_outcome_check CHECK (outcome IN ('ok', 'cut', 'refused', 'too_long', 'bad_request', 'unusable', 'lost')),
  CONSTRAINT model_calls_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX model_calls_run_id_idx ON model_calls (run_id);

CREATE INDEX model_calls_created_at_idx ON model_calls (created_at);
