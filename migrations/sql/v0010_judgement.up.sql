CREATE TABLE corrections (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  ticket_id BIGINT NOT NULL,
  issue_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  before JSONB NOT NULL,
  after JSONB NOT NULL,
  original JSONB NOT NULL,
  settings_version BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  undone_by TEXT,
  undone_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT corrections_pkey PRIMARY KEY (id),
  CONSTRAINT corrections_kind_check CHECK (kind IN ('type', 'area', 'severity', 'theme', 'not_an_issue', 'missed')),
  CONSTRAINT corrections_undone_pair_check CHECK ((undone_at IS NULL) = (undone_by IS NULL)),
  CONSTRAINT corrections_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
  CONSTRAINT corrections_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES issues (id) ON DELETE CASCADE,
  CONSTRAINT corrections_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version)
);

CREATE INDEX corrections_issue_id_idx ON corrections (issue_id, id);

CREATE INDEX corrections_standing_idx ON corrections (id DESC) WHERE undone_at IS NULL;

CREATE INDEX corrections_ticket_id_idx ON corrections (ticket_id, id);

CREATE TABLE checks (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  monday DATE NOT NULL,
  seed BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT checks_pkey PRIMARY KEY (id),
  CONSTRAINT checks_monday_key UNIQUE (monday)
);

CREATE TABLE check_items (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  check_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ticket_id BIGINT NOT NULL,
  issue_id BIGINT,
  analysis_id BIGINT NOT NULL,
  settings_version BIGINT NOT NULL,
  model TEXT NOT NULL,
  theme_id BIGINT,
  shown JSONB NOT NULL,
  verdict TEXT,
  answered_by TEXT,
  answered_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT check_items_pkey PRIMARY KEY (id),
  CONSTRAINT check_items_check_id_position_key UNIQUE (check_id, position),
  CONSTRAINT check_items_kind_check CHECK (kind IN ('issue', 'no_issue')),
  CONSTRAINT check_items_verdict_check CHECK (verdict IS NULL OR verdict IN ('right', 'wrong_theme', 'wrong')),
  CONSTRAINT check_items_theme_verdict_check CHECK (verdict <> 'wrong_theme' OR theme_id IS NOT NULL),
  CONSTRAINT check_items_issue_of_its_kind_check CHECK ((kind = 'issue') = (issue_id IS NOT NULL)),
  CONSTRAINT check_items_answered_pair_check CHECK ((verdict IS NULL) = (answered_at IS NULL)),
  CONSTRAINT check_items_check_id_fkey FOREIGN KEY(check_id) REFERENCES checks (id) ON DELETE CASCADE,
  CONSTRAINT check_items_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
  CONSTRAINT check_items_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES issues (id) ON DELETE CASCADE,
  CONSTRAINT check_items_analysis_id_fkey FOREIGN KEY(analysis_id) REFERENCES analyses (id) ON DELETE CASCADE,
  CONSTRAINT check_items_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version),
  CONSTRAINT check_items_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id) ON DELETE SET NULL
);

CREATE INDEX check_items_analysis_id_idx ON check_items (analysis_id);

CREATE INDEX check_items_issue_id_idx ON check_items (issue_id);

CREATE INDEX check_items_ticket_id_idx ON check_items (ticket_id);

CREATE TABLE trials (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  scope TEXT NOT NULL,
  tickets INTEGER NOT NULL,
  characters BIGINT NOT NULL,
  sample INTEGER NOT NULL,
  seed BIGINT NOT NULL,
  analyzer TEXT NOT NULL,
  model TEXT NOT NULL,
  settings_version BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT trials_pkey PRIMARY KEY (id),
  CONSTRAINT trials_scope_check CHECK (scope IN ('all', 'local', 'older')),
  CONSTRAINT trials_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL,
  CONSTRAINT trials_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version)
);

CREATE INDEX trials_run_id_idx ON trials (run_id);

CREATE TABLE trial_readings (
  trial_id BIGINT NOT NULL,
  ticket_id BIGINT NOT NULL,
  outcome TEXT,
  reason TEXT,
  before JSONB,
  found JSONB,
  cost_usd NUMERIC,
  CONSTRAINT trial_readings_pkey PRIMARY KEY (trial_id, ticket_id),
  CONSTRAINT trial_readings_trial_id_fkey FOREIGN KEY(trial_id) REFERENCES trials (id) ON DELETE CASCADE,
  CONSTRAINT trial_readings_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
);

CREATE INDEX trial_readings_ticket_id_idx ON trial_readings (ticket_id);

CREATE TABLE rereadings (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  trial_id BIGINT,
  scope TEXT NOT NULL,
  tickets INTEGER NOT NULL,
  model TEXT NOT NULL,
  settings_version BIGINT NOT NULL,
  last_issue_id BIGINT NOT NULL,
  last_analysis_id BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  undone_by TEXT,
  undone_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT rereadings_pkey PRIMARY KEY (id),
  CONSTRAINT rereadings_scope_check CHECK (scope IN ('all', 'local', 'older')),
  CONSTRAINT rereadings_undone_pair_check CHECK ((undone_at IS NULL) = (undone_by IS NULL)),
  CONSTRAINT rereadings_trial_id_fkey FOREIGN KEY(trial_id) REFERENCES trials (id) ON DELETE SET NULL,
  CONSTRAINT rereadings_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version)
);

CREATE INDEX rereadings_trial_id_idx ON rereadings (trial_id);

CREATE TABLE reread_tickets (
  rereading_id BIGINT NOT NULL,
  ticket_id BIGINT NOT NULL,
  text_hash TEXT NOT NULL,
  analyzed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT reread_tickets_pkey PRIMARY KEY (rereading_id, ticket_id),
  CONSTRAINT reread_tickets_rereading_id_fkey FOREIGN KEY(rereading_id) REFERENCES rereadings (id) ON DELETE CASCADE,
  CONSTRAINT reread_tickets_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
);

CREATE INDEX reread_tickets_ticket_id_idx ON reread_tickets (ticket_id);

CREATE TABLE reread_issues (
  rereading_id BIGINT NOT NULL,
  issue_id BIGINT NOT NULL,
  columns JSONB NOT NULL,
  CONSTRAINT reread_issues_pkey PRIMARY KEY (rereading_id, issue_id),
  CONSTRAINT reread_issues_rereading_id_fkey FOREIGN KEY(rereading_id) REFERENCES rereadings (id) ON DELETE CASCADE,
  CONSTRAINT reread_issues_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES issues (id) ON DELETE CASCADE
);

CREATE INDEX reread_issues_issue_id_idx ON reread_issues (issue_id);
