CREATE TABLE closed_weeks (
  monday DATE NOT NULL,
  zone TEXT NOT NULL,
  content JSONB NOT NULL,
  top BIGINT[] DEFAULT '{}' NOT NULL,
  later BOOLEAN NOT NULL,
  settings_version BIGINT NOT NULL,
  run_id BIGINT,
  closed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT closed_weeks_pkey PRIMARY KEY (monday),
  CONSTRAINT closed_weeks_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version),
  CONSTRAINT closed_weeks_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX closed_weeks_run_id_idx ON closed_weeks (run_id);

CREATE TABLE week_visits (
  visitor TEXT NOT NULL,
  visited_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  since TIMESTAMP WITH TIME ZONE,
  CONSTRAINT week_visits_pkey PRIMARY KEY (visitor)
);
