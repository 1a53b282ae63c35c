ALTER TABLE themes ADD COLUMN fixed_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE theme_episodes (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  theme_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  started_on DATE NOT NULL,
  last_on DATE NOT NULL,
  ended_on DATE,
  sentence TEXT NOT NULL,
  numbers JSONB DEFAULT '{}' NOT NULL,
  p DOUBLE PRECISION,
  continues_id BIGINT,
  run_id BIGINT,
  raised_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_episodes_pkey PRIMARY KEY (id),
  CONSTRAINT theme_episodes_kind_check CHECK (kind IN ('new', 'rising', 'spike', 'fading', 'faded', 'came_back')),
  CONSTRAINT theme_episodes_order_check CHECK (last_on >= started_on AND (ended_on IS NULL OR ended_on >= last_on)),
  CONSTRAINT theme_episodes_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id) ON DELETE CASCADE,
  CONSTRAINT theme_episodes_continues_id_fkey FOREIGN KEY(continues_id) REFERENCES theme_episodes (id) ON DELETE SET NULL,
  CONSTRAINT theme_episodes_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE UNIQUE INDEX theme_episodes_open_key ON theme_episodes (theme_id, kind) WHERE ended_on IS NULL;

CREATE INDEX theme_episodes_raised_at_idx ON theme_episodes (raised_at, id);

CREATE TABLE trend_look (
  id SMALLINT NOT NULL,
  looked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  judged_day DATE,
  covered_days INTEGER,
  not_judged TEXT,
  CONSTRAINT trend_look_pkey PRIMARY KEY (id),
  CONSTRAINT trend_look_one_row_check CHECK (id = 1)
);

-- Flags that stand are episodes that began when they were raised; nobody is told of them again.
INSERT INTO theme_episodes (theme_id, kind, started_on, last_on, sentence, numbers, raised_at)
SELECT id, flag, LEAST(flagged_at::date, coalesce((trend_numbers ->> 'as_of')::date, flagged_at::date)),
  coalesce((trend_numbers ->> 'as_of')::date, flagged_at::date), trend_sentence, trend_numbers, flagged_at
FROM themes WHERE flag IS NOT NULL AND retired_at IS NULL;
