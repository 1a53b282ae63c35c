-- What was last tested of each step of setting up. Written by hand; tests/rules/test_schema.py compares.

CREATE TABLE setup_checks (
  step TEXT NOT NULL,
  state TEXT NOT NULL,
  findings JSONB NOT NULL,
  about TEXT NOT NULL,
  checked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  checked_by TEXT NOT NULL,
  CONSTRAINT setup_checks_pkey PRIMARY KEY (step),
  CONSTRAINT setup_checks_step_check CHECK (step IN ('zendesk', 'brand', 'taxonomy', 'claude', 'schedule', 'login')),
  CONSTRAINT setup_checks_state_check CHECK (state IN ('ok', 'warning', 'failed'))
);
