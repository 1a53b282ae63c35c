ALTER TABLE themes ADD COLUMN portrait JSONB DEFAULT '{}' NOT NULL;

CREATE INDEX issues_words_idx ON issues USING gin (to_tsvector('simple'::regconfig, summary || ' ' || quote)) WHERE retired_at IS NULL;

CREATE TABLE theme_groupings (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  mode TEXT NOT NULL,
  granularity DOUBLE PRECISION NOT NULL,
  smallest INTEGER NOT NULL,
  issues INTEGER NOT NULL,
  themes INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  known INTEGER NOT NULL,
  moved INTEGER NOT NULL,
  changes JSONB DEFAULT '{}' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_groupings_pkey PRIMARY KEY (id),
  CONSTRAINT theme_groupings_mode_check CHECK (mode IN ('assigned', 'regrouped', 'accepted')),
  CONSTRAINT theme_groupings_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX theme_groupings_run_id_idx ON theme_groupings (run_id);

CREATE TABLE theme_proposals (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT,
  granularity DOUBLE PRECISION NOT NULL,
  smallest INTEGER NOT NULL,
  known INTEGER NOT NULL,
  moved INTEGER NOT NULL,
  groups JSONB NOT NULL,
  differences JSONB NOT NULL,
  state TEXT DEFAULT 'open' NOT NULL,
  decided_by TEXT,
  decided_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_proposals_pkey PRIMARY KEY (id),
  CONSTRAINT theme_proposals_state_check CHECK (state IN ('open', 'accepted', 'applied', 'rejected', 'superseded')),
  CONSTRAINT theme_proposals_decided_check CHECK ((decided_at IS NULL) = (state = 'open')),
  CONSTRAINT theme_proposals_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE UNIQUE INDEX theme_proposals_open_idx ON theme_proposals (state) WHERE state IN ('open', 'accepted');

CREATE INDEX theme_proposals_run_id_idx ON theme_proposals (run_id);

CREATE TABLE theme_edits (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  kind TEXT NOT NULL,
  theme_id BIGINT,
  other_id BIGINT,
  issue_id BIGINT,
  detail JSONB DEFAULT '{}' NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  undone_by TEXT,
  undone_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT theme_edits_pkey PRIMARY KEY (id),
  CONSTRAINT theme_edits_kind_check CHECK (kind IN ('rename', 'merge', 'split', 'move', 'pin', 'unpin')),
  CONSTRAINT theme_edits_undone_check CHECK ((undone_at IS NULL) = (undone_by IS NULL)),
  CONSTRAINT theme_edits_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id),
  CONSTRAINT theme_edits_other_id_fkey FOREIGN KEY(other_id) REFERENCES themes (id),
  CONSTRAINT theme_edits_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES issues (id) ON DELETE CASCADE
);

CREATE INDEX theme_edits_theme_id_idx ON theme_edits (theme_id);

CREATE INDEX theme_edits_issue_id_idx ON theme_edits (issue_id);

CREATE TABLE theme_likenesses (
  theme_id BIGINT NOT NULL,
  other_id BIGINT NOT NULL,
  likeness DOUBLE PRECISION NOT NULL,
  refused_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT theme_likenesses_pkey PRIMARY KEY (theme_id, other_id),
  CONSTRAINT theme_likenesses_ordered_check CHECK (theme_id < other_id),
  CONSTRAINT theme_likenesses_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id) ON DELETE CASCADE,
  CONSTRAINT theme_likenesses_other_id_fkey FOREIGN KEY(other_id) REFERENCES themes (id) ON DELETE CASCADE
);

CREATE INDEX theme_likenesses_other_id_idx ON theme_likenesses (other_id);
