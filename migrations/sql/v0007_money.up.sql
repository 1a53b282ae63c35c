CREATE TABLE backlogs (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  reason TEXT NOT NULL,
  sources TEXT[] NOT NULL,
  edge_at TIMESTAMP WITH TIME ZONE NOT NULL,
  edge_id BIGINT NOT NULL,
  tickets INTEGER NOT NULL,
  model TEXT NOT NULL,
  low_usd NUMERIC,
  high_usd NUMERIC,
  low_seconds DOUBLE PRECISION NOT NULL,
  high_seconds DOUBLE PRECISION NOT NULL,
  counted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  answer TEXT,
  answered_by TEXT,
  answered_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT backlogs_pkey PRIMARY KEY (id),
  CONSTRAINT backlogs_reason_check CHECK (reason IN ('first', 'large')),
  CONSTRAINT backlogs_answer_check CHECK (answer IS NULL OR answer IN ('read', 'leave')),
  CONSTRAINT backlogs_answered_check CHECK ((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)),
  CONSTRAINT backlogs_price_check CHECK ((low_usd IS NULL) = (high_usd IS NULL) AND low_usd <= high_usd),
  CONSTRAINT backlogs_time_check CHECK (low_seconds <= high_seconds),
  CONSTRAINT backlogs_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX backlogs_held_idx ON backlogs (id) WHERE answer IS DISTINCT FROM 'read';
