-- The core schema. Written by hand; tests/rules/test_schema.py compares it with miner/models.py.
-- Every rule about a run that can be a constraint is one, so that no code path, ours or an operator's psql,
-- can make a row that lies.

CREATE TABLE api_tokens (
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE,
  last_used_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT api_tokens_role_check CHECK (role IN ('viewer', 'operator', 'admin'))
);

CREATE TABLE audit_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  address TEXT,
  request_id TEXT,
  action TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object_id TEXT NOT NULL,
  before JSONB,
  after JSONB,
  outcome TEXT DEFAULT 'ok' NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (id),
  CONSTRAINT audit_log_outcome_check CHECK (outcome IN ('ok', 'refused', 'failed'))
);

CREATE INDEX audit_log_object_idx ON audit_log (object_kind, object_id, id DESC);

CREATE TABLE beats (
  name TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT beats_pkey PRIMARY KEY (name)
);

CREATE TABLE customers (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  external_key TEXT NOT NULL,
  name TEXT,
  plan TEXT,
  revenue NUMERIC,
  currency TEXT,
  segment TEXT,
  owner TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT customers_pkey PRIMARY KEY (id),
  CONSTRAINT customers_source_kind_external_key_key UNIQUE (source, kind, external_key),
  CONSTRAINT customers_kind_check CHECK (kind IN ('organization', 'domain', 'requester'))
);

CREATE TABLE embeddings (
  model TEXT NOT NULL,
  text_hash TEXT NOT NULL,
  vector BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT embeddings_pkey PRIMARY KEY (model, text_hash)
);

CREATE TABLE schedules (
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  job_name TEXT NOT NULL,
  args JSONB DEFAULT '{}' NOT NULL,
  cron TEXT NOT NULL,
  timezone TEXT DEFAULT 'UTC' NOT NULL,
  misfire_grace_seconds INTEGER DEFAULT '3600' NOT NULL,
  coalesce BOOLEAN DEFAULT true NOT NULL,
  overlap TEXT DEFAULT 'skip' NOT NULL,
  paused_at TIMESTAMP WITH TIME ZONE,
  paused_by TEXT,
  pause_note TEXT,
  evaluated_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  next_fire_at TIMESTAMP WITH TIME ZONE,
  version INTEGER DEFAULT '1' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT schedules_pkey PRIMARY KEY (id),
  CONSTRAINT schedules_overlap_check CHECK (overlap IN ('skip')),
  CONSTRAINT schedules_grace_check CHECK (misfire_grace_seconds >= 0),
  CONSTRAINT schedules_paused_pair_check CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

CREATE INDEX schedules_due_idx ON schedules (next_fire_at);

CREATE TABLE settings (
  version BIGINT GENERATED ALWAYS AS IDENTITY,
  values JSONB NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT settings_pkey PRIMARY KEY (version)
);

CREATE TABLE switches (
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT switches_pkey PRIMARY KEY (name)
);

CREATE TABLE workers (
  id UUID NOT NULL,
  kind TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  threads INTEGER,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  heartbeat_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  stopping_at TIMESTAMP WITH TIME ZONE,
  stopped_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT workers_pkey PRIMARY KEY (id),
  CONSTRAINT workers_kind_check CHECK (kind IN ('worker', 'scheduler'))
);

CREATE INDEX workers_heartbeat_idx ON workers (heartbeat_at);

CREATE TABLE job_runs (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  job_name TEXT NOT NULL,
  state TEXT DEFAULT 'queued' NOT NULL,
  wait_reason TEXT,
  wait_detail TEXT,
  trigger TEXT NOT NULL,
  triggered_by TEXT NOT NULL,
  schedule_id TEXT,
  scheduled_for TIMESTAMP WITH TIME ZONE,
  parent_id BIGINT,
  rerun_of_id BIGINT,
  idempotency_key TEXT,
  keys TEXT[] DEFAULT '{}' NOT NULL,
  args JSONB DEFAULT '{}' NOT NULL,
  attempt SMALLINT DEFAULT '0' NOT NULL,
  max_attempts SMALLINT DEFAULT '1' NOT NULL,
  rescue_count SMALLINT DEFAULT '0' NOT NULL,
  max_rescues SMALLINT DEFAULT '2' NOT NULL,
  run_after TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  rung_at TIMESTAMP WITH TIME ZONE,
  ring_count INTEGER DEFAULT '0' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  claimed_at TIMESTAMP WITH TIME ZONE,
  worked_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL,
  deadline_seconds INTEGER DEFAULT '21600' NOT NULL,
  lease_owner UUID,
  lease_token BIGINT DEFAULT '0' NOT NULL,
  lease_expires_at TIMESTAMP WITH TIME ZONE,
  cancel_requested_at TIMESTAMP WITH TIME ZONE,
  cancel_requested_by TEXT,
  current_step TEXT,
  progress TEXT,
  counters JSONB DEFAULT '{}' NOT NULL,
  warning_count INTEGER DEFAULT '0' NOT NULL,
  event_count INTEGER DEFAULT '0' NOT NULL,
  error_class TEXT,
  error_message TEXT,
  error_fingerprint TEXT,
  skip_reason TEXT,
  settings_version BIGINT,
  app_version TEXT DEFAULT '' NOT NULL,
  CONSTRAINT job_runs_pkey PRIMARY KEY (id),
  CONSTRAINT job_runs_state_check CHECK (state IN ('queued', 'running', 'waiting', 'completed', 'failed', 'crashed', 'cancelled', 'skipped')),
  CONSTRAINT job_runs_trigger_check CHECK (trigger IN ('schedule', 'button', 'api', 'cli', 'code', 'rerun', 'pipeline')),
  CONSTRAINT job_runs_wait_reason_check CHECK (wait_reason IS NULL OR wait_reason IN ('retry', 'rescue', 'released', 'yield', 'rate_limit', 'batch', 'budget', 'configuration', 'key', 'paused')),
  CONSTRAINT job_runs_waiting_iff_reason_check CHECK ((state = 'waiting') = (wait_reason IS NOT NULL)),
  CONSTRAINT job_runs_terminal_iff_finished_check CHECK ((state IN ('completed', 'failed', 'crashed', 'cancelled', 'skipped')) = (finished_at IS NOT NULL)),
  CONSTRAINT job_runs_running_iff_leased_check CHECK ((state = 'running') = (lease_owner IS NOT NULL) AND (lease_owner IS NULL) = (lease_expires_at IS NULL) AND (lease_owner IS NULL) = (claimed_at IS NULL)),
  CONSTRAINT job_runs_running_is_started_check CHECK (state <> 'running' OR (started_at IS NOT NULL AND attempt >= 1)),
  CONSTRAINT job_runs_queued_is_fresh_check CHECK (state <> 'queued' OR (started_at IS NULL AND attempt = 0)),
  CONSTRAINT job_runs_done_was_started_check CHECK (state NOT IN ('completed', 'failed', 'crashed', 'waiting') OR started_at IS NOT NULL),
  CONSTRAINT job_runs_skipped_never_ran_check CHECK ((state = 'skipped') = (skip_reason IS NOT NULL) AND (state <> 'skipped' OR started_at IS NULL)),
  CONSTRAINT job_runs_cancelled_was_asked_check CHECK (state <> 'cancelled' OR cancel_requested_at IS NOT NULL),
  CONSTRAINT job_runs_cancel_pair_check CHECK ((cancel_requested_at IS NULL) = (cancel_requested_by IS NULL)),
  CONSTRAINT job_runs_error_iff_bad_check CHECK ((state IN ('failed', 'crashed') OR (state = 'waiting' AND wait_reason IN ('retry', 'rescue'))) = (error_class IS NOT NULL)),
  CONSTRAINT job_runs_error_pair_check CHECK ((error_class IS NULL) = (error_message IS NULL)),
  CONSTRAINT job_runs_time_order_check CHECK ((started_at IS NULL OR started_at >= created_at) AND (finished_at IS NULL OR finished_at >= coalesce(started_at, created_at))),
  CONSTRAINT job_runs_schedule_pair_check CHECK ((trigger = 'schedule') = (schedule_id IS NOT NULL) AND (schedule_id IS NULL) = (scheduled_for IS NULL)),
  CONSTRAINT job_runs_attempt_range_check CHECK (attempt >= 0 AND attempt <= max_attempts),
  CONSTRAINT job_runs_rescue_range_check CHECK (rescue_count >= 0 AND rescue_count <= max_rescues),
  CONSTRAINT job_runs_worked_check CHECK (worked_seconds >= 0),
  CONSTRAINT job_runs_not_own_parent_check CHECK (parent_id <> id AND rerun_of_id <> id),
  CONSTRAINT job_runs_args_check CHECK (jsonb_typeof(args) = 'object' AND octet_length(args::text) <= 65536),
  CONSTRAINT job_runs_error_length_check CHECK (char_length(error_message) <= 8000),
  CONSTRAINT job_runs_idempotency_check CHECK (char_length(idempotency_key) >= 1 AND char_length(idempotency_key) <= 200),
  CONSTRAINT job_runs_schedule_id_fkey FOREIGN KEY(schedule_id) REFERENCES schedules (id),
  CONSTRAINT job_runs_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES job_runs (id) ON DELETE SET NULL,
  CONSTRAINT job_runs_rerun_of_id_fkey FOREIGN KEY(rerun_of_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX job_runs_bad_idx ON job_runs (state, id DESC) WHERE state IN ('failed', 'crashed', 'cancelled', 'skipped');

CREATE INDEX job_runs_due_idx ON job_runs (run_after, id) WHERE state IN ('queued', 'waiting');

CREATE INDEX job_runs_fingerprint_idx ON job_runs (error_fingerprint, id DESC) WHERE error_fingerprint IS NOT NULL;

CREATE INDEX job_runs_finished_idx ON job_runs (finished_at) WHERE finished_at IS NOT NULL;

CREATE UNIQUE INDEX job_runs_fire_key ON job_runs (schedule_id, scheduled_for) WHERE schedule_id IS NOT NULL;

CREATE UNIQUE INDEX job_runs_idempotency_key ON job_runs (job_name, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX job_runs_job_idx ON job_runs (job_name, id DESC);

CREATE INDEX job_runs_lease_idx ON job_runs (lease_expires_at) WHERE state = 'running';

CREATE INDEX job_runs_rerun_idx ON job_runs (rerun_of_id) WHERE rerun_of_id IS NOT NULL;

CREATE INDEX job_runs_parent_idx ON job_runs (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE sessions (
  id_hash TEXT NOT NULL,
  token_id TEXT NOT NULL,
  role TEXT NOT NULL,
  address TEXT,
  user_agent TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT sessions_pkey PRIMARY KEY (id_hash),
  CONSTRAINT sessions_role_check CHECK (role IN ('viewer', 'operator', 'admin')),
  CONSTRAINT sessions_token_id_fkey FOREIGN KEY(token_id) REFERENCES api_tokens (id) ON DELETE CASCADE
);

CREATE INDEX sessions_token_id_idx ON sessions (token_id);

CREATE TABLE tickets (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  zendesk_ticket_id BIGINT,
  url TEXT,
  subject TEXT DEFAULT '' NOT NULL,
  status TEXT NOT NULL,
  priority TEXT,
  requester TEXT,
  customer_id BIGINT,
  tags TEXT[] DEFAULT '{}' NOT NULL,
  text TEXT NOT NULL,
  text_hash TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  original_created_at TIMESTAMP WITH TIME ZONE,
  generated_timestamp BIGINT,
  raw JSONB DEFAULT '{}' NOT NULL,
  imported_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  analyzed_at TIMESTAMP WITH TIME ZONE,
  analyzed_text_hash TEXT,
  CONSTRAINT tickets_pkey PRIMARY KEY (id),
  CONSTRAINT tickets_source_source_id_key UNIQUE (source, source_id),
  CONSTRAINT tickets_zendesk_ticket_id_key UNIQUE (zendesk_ticket_id),
  CONSTRAINT tickets_zendesk_id_from_zendesk_check CHECK (zendesk_ticket_id IS NULL OR source LIKE 'zendesk:%'),
  CONSTRAINT tickets_analyzed_pair_check CHECK ((analyzed_at IS NULL) = (analyzed_text_hash IS NULL)),
  CONSTRAINT tickets_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX tickets_created_at_id_idx ON tickets (created_at DESC, id DESC);

CREATE INDEX tickets_customer_id_idx ON tickets (customer_id);

CREATE INDEX tickets_pending_idx ON tickets (created_at DESC, id DESC) WHERE deleted_at IS NULL AND analyzed_text_hash IS DISTINCT FROM text_hash;

CREATE TABLE analyses (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  ticket_id BIGINT NOT NULL,
  run_id BIGINT,
  analyzer TEXT NOT NULL,
  model TEXT NOT NULL,
  settings_version BIGINT NOT NULL,
  text_hash TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  issue_count INTEGER DEFAULT '0' NOT NULL,
  input_tokens BIGINT,
  output_tokens BIGINT,
  cost_usd NUMERIC,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT analyses_pkey PRIMARY KEY (id),
  CONSTRAINT analyses_analyzer_check CHECK (analyzer IN ('local', 'claude')),
  CONSTRAINT analyses_outcome_check CHECK (outcome IN ('issues', 'no_issue', 'skipped', 'failed')),
  CONSTRAINT analyses_count_matches_outcome_check CHECK ((outcome = 'issues') = (issue_count > 0)),
  CONSTRAINT analyses_no_issue_has_reason_check CHECK (outcome = 'issues' OR reason IS NOT NULL),
  CONSTRAINT analyses_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
  CONSTRAINT analyses_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL,
  CONSTRAINT analyses_settings_version_fkey FOREIGN KEY(settings_version) REFERENCES settings (version)
);

CREATE INDEX analyses_run_id_idx ON analyses (run_id);

CREATE INDEX analyses_ticket_id_id_idx ON analyses (ticket_id, id);

CREATE TABLE job_run_attempts (
  run_id BIGINT NOT NULL,
  lease_token BIGINT NOT NULL,
  attempt SMALLINT NOT NULL,
  worker_id UUID NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  outcome TEXT,
  error_class TEXT,
  error_message TEXT,
  traceback TEXT,
  CONSTRAINT job_run_attempts_pkey PRIMARY KEY (run_id, lease_token),
  CONSTRAINT job_run_attempts_outcome_check CHECK (outcome IS NULL OR outcome IN ('completed', 'failed', 'crashed', 'cancelled', 'released', 'waiting')),
  CONSTRAINT job_run_attempts_finished_iff_outcome_check CHECK ((finished_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT job_run_attempts_time_order_check CHECK (finished_at IS NULL OR finished_at >= started_at),
  CONSTRAINT job_run_attempts_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX job_run_attempts_open_key ON job_run_attempts (run_id) WHERE finished_at IS NULL;

CREATE TABLE job_run_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  run_id BIGINT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  level TEXT DEFAULT 'info' NOT NULL,
  name TEXT NOT NULL,
  message TEXT NOT NULL,
  step TEXT,
  data JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT job_run_events_pkey PRIMARY KEY (id),
  CONSTRAINT job_run_events_level_check CHECK (level IN ('debug', 'info', 'warning', 'error')),
  CONSTRAINT job_run_events_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE CASCADE
);

CREATE INDEX job_run_events_run_id_id_idx ON job_run_events (run_id, id);

CREATE TABLE job_run_keys (
  key TEXT NOT NULL,
  run_id BIGINT NOT NULL,
  CONSTRAINT job_run_keys_pkey PRIMARY KEY (key),
  CONSTRAINT job_run_keys_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE CASCADE
);

CREATE INDEX job_run_keys_run_id_idx ON job_run_keys (run_id);

CREATE TABLE job_run_steps (
  run_id BIGINT NOT NULL,
  position SMALLINT NOT NULL,
  name TEXT NOT NULL,
  state TEXT DEFAULT 'pending' NOT NULL,
  skip_reason TEXT,
  unit TEXT NOT NULL,
  done BIGINT DEFAULT '0' NOT NULL,
  total BIGINT,
  counters JSONB DEFAULT '{}' NOT NULL,
  checkpoint JSONB,
  started_at TIMESTAMP WITH TIME ZONE,
  progress_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT job_run_steps_pkey PRIMARY KEY (run_id, position),
  CONSTRAINT job_run_steps_state_check CHECK (state IN ('pending', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
  CONSTRAINT job_run_steps_skipped_iff_reason_check CHECK ((state = 'skipped') = (skip_reason IS NOT NULL)),
  CONSTRAINT job_run_steps_begun_check CHECK (state = 'pending' OR state = 'skipped' OR started_at IS NOT NULL),
  CONSTRAINT job_run_steps_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE CASCADE
);

CREATE TABLE schedule_ticks (
  schedule_id TEXT NOT NULL,
  fire_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  outcome TEXT NOT NULL,
  run_id BIGINT,
  detail TEXT,
  CONSTRAINT schedule_ticks_pkey PRIMARY KEY (schedule_id, fire_at),
  CONSTRAINT schedule_ticks_outcome_check CHECK (outcome IN ('launched', 'skipped_overlap', 'skipped_misfire', 'skipped_paused', 'coalesced', 'error')),
  CONSTRAINT schedule_ticks_suppressed_has_reason_check CHECK (outcome = 'launched' OR detail IS NOT NULL),
  CONSTRAINT schedule_ticks_schedule_id_fkey FOREIGN KEY(schedule_id) REFERENCES schedules (id) ON DELETE CASCADE,
  CONSTRAINT schedule_ticks_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX schedule_ticks_run_idx ON schedule_ticks (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE sync_cursors (
  source TEXT NOT NULL,
  lane TEXT NOT NULL,
  cursor TEXT,
  complete_through TIMESTAMP WITH TIME ZONE,
  run_id BIGINT,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT sync_cursors_pkey PRIMARY KEY (source, lane),
  CONSTRAINT sync_cursors_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE TABLE themes (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  name TEXT NOT NULL,
  name_source TEXT NOT NULL,
  terms TEXT[] DEFAULT '{}' NOT NULL,
  type TEXT,
  area TEXT,
  status TEXT DEFAULT 'new' NOT NULL,
  issue_count INTEGER DEFAULT '0' NOT NULL,
  first_seen_at TIMESTAMP WITH TIME ZONE,
  last_seen_at TIMESTAMP WITH TIME ZONE,
  centroid BYTEA,
  flag TEXT,
  flagged_at TIMESTAMP WITH TIME ZONE,
  trend_sentence TEXT DEFAULT 'not judged yet' NOT NULL,
  trend_numbers JSONB DEFAULT '{}' NOT NULL,
  judged_at TIMESTAMP WITH TIME ZONE,
  heir_id BIGINT,
  retired_at TIMESTAMP WITH TIME ZONE,
  run_id BIGINT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT themes_pkey PRIMARY KEY (id),
  CONSTRAINT themes_name_source_check CHECK (name_source IN ('terms', 'claude', 'human')),
  CONSTRAINT themes_status_check CHECK (status IN ('new', 'reviewing', 'acknowledged', 'planned', 'in_progress', 'fixed', 'wont_fix')),
  CONSTRAINT themes_flag_check CHECK (flag IS NULL OR flag IN ('new', 'rising', 'spike', 'fading', 'faded', 'came_back')),
  CONSTRAINT themes_flag_pair_check CHECK ((flag IS NULL) = (flagged_at IS NULL)),
  CONSTRAINT themes_heir_only_when_retired_check CHECK (heir_id IS NULL OR retired_at IS NOT NULL),
  CONSTRAINT themes_not_own_heir_check CHECK (heir_id <> id),
  CONSTRAINT themes_heir_id_fkey FOREIGN KEY(heir_id) REFERENCES themes (id),
  CONSTRAINT themes_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX themes_size_idx ON themes (issue_count DESC, id) WHERE retired_at IS NULL;

CREATE TABLE ticket_comments (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  ticket_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  source_id TEXT,
  author_kind TEXT NOT NULL,
  author TEXT,
  public BOOLEAN NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  text_start INTEGER,
  text_end INTEGER,
  CONSTRAINT ticket_comments_pkey PRIMARY KEY (id),
  CONSTRAINT ticket_comments_ticket_id_position_key UNIQUE (ticket_id, position),
  CONSTRAINT ticket_comments_author_kind_check CHECK (author_kind IN ('customer', 'agent', 'unknown')),
  CONSTRAINT ticket_comments_text_range_check CHECK ((text_start IS NULL) = (text_end IS NULL) AND (text_start IS NULL OR text_end >= text_start)),
  CONSTRAINT ticket_comments_private_stays_out_check CHECK (public OR text_start IS NULL),
  CONSTRAINT ticket_comments_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
);

CREATE TABLE issues (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  ticket_id BIGINT NOT NULL,
  analysis_id BIGINT NOT NULL,
  analyzer TEXT NOT NULL,
  type TEXT NOT NULL,
  area TEXT,
  component TEXT,
  severity TEXT NOT NULL,
  severity_phrase TEXT,
  summary TEXT NOT NULL,
  quote TEXT NOT NULL,
  quote_start INTEGER,
  quote_end INTEGER,
  quote_verified BOOLEAN NOT NULL,
  text_hash TEXT NOT NULL,
  confidence DOUBLE PRECISION,
  edited JSONB DEFAULT '{}' NOT NULL,
  theme_id BIGINT,
  theme_pinned BOOLEAN DEFAULT false NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  retired_at TIMESTAMP WITH TIME ZONE,
  retired_reason TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT issues_pkey PRIMARY KEY (id),
  CONSTRAINT issues_type_check CHECK (type IN ('bug', 'friction', 'ux_confusion', 'feature_request', 'documentation_gap', 'data_issue', 'configuration', 'performance', 'other')),
  CONSTRAINT issues_severity_check CHECK (severity IN ('critical', 'high', 'medium', 'low')),
  CONSTRAINT issues_critical_has_evidence_check CHECK (severity <> 'critical' OR severity_phrase IS NOT NULL),
  CONSTRAINT issues_quote_range_check CHECK ((quote_start IS NULL) = (quote_end IS NULL)),
  CONSTRAINT issues_verified_quote_stands_somewhere_check CHECK (NOT quote_verified OR (quote_start IS NOT NULL AND quote_end = quote_start + char_length(quote))),
  CONSTRAINT issues_confidence_check CHECK (confidence IS NULL OR (confidence >= 0 AND confidence <= 1)),
  CONSTRAINT issues_retired_pair_check CHECK ((retired_at IS NULL) = (retired_reason IS NULL)),
  CONSTRAINT issues_ticket_id_fkey FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
  CONSTRAINT issues_analysis_id_fkey FOREIGN KEY(analysis_id) REFERENCES analyses (id) ON DELETE CASCADE,
  CONSTRAINT issues_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id)
);

CREATE INDEX issues_live_idx ON issues (occurred_at DESC, id DESC) WHERE retired_at IS NULL;

CREATE INDEX issues_theme_idx ON issues (theme_id, occurred_at DESC, id DESC) WHERE retired_at IS NULL;

CREATE INDEX issues_ticket_id_idx ON issues (ticket_id);

CREATE TABLE theme_days (
  theme_id BIGINT NOT NULL,
  day DATE NOT NULL,
  reports INTEGER NOT NULL,
  customers INTEGER,
  CONSTRAINT theme_days_pkey PRIMARY KEY (theme_id, day),
  CONSTRAINT theme_days_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id) ON DELETE CASCADE
);

CREATE INDEX theme_days_day_idx ON theme_days (day);

CREATE TABLE theme_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  theme_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  other_id BIGINT,
  detail JSONB DEFAULT '{}' NOT NULL,
  run_id BIGINT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_events_pkey PRIMARY KEY (id),
  CONSTRAINT theme_events_kind_check CHECK (kind IN ('born', 'split', 'merged', 'retired', 'revived', 'renamed')),
  CONSTRAINT theme_events_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id),
  CONSTRAINT theme_events_other_id_fkey FOREIGN KEY(other_id) REFERENCES themes (id),
  CONSTRAINT theme_events_run_id_fkey FOREIGN KEY(run_id) REFERENCES job_runs (id) ON DELETE SET NULL
);

CREATE INDEX theme_events_run_id_idx ON theme_events (run_id);

CREATE INDEX theme_events_theme_id_id_idx ON theme_events (theme_id, id);

-- A final run never changes its state, a state changes only along an arrow, and the fencing token never goes back.
CREATE FUNCTION job_runs_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.lease_token < OLD.lease_token THEN
    RAISE EXCEPTION 'run %: lease_token may only grow', OLD.id;
  END IF;
  IF NEW.state IS DISTINCT FROM OLD.state AND NOT (OLD.state, NEW.state) IN (
    ('queued', 'running'), ('queued', 'skipped'), ('queued', 'cancelled'),
    ('running', 'waiting'), ('running', 'completed'), ('running', 'failed'), ('running', 'crashed'),
    ('running', 'cancelled'),
    ('waiting', 'running'), ('waiting', 'cancelled'), ('waiting', 'failed'), ('waiting', 'crashed')
  ) THEN
    RAISE EXCEPTION 'run %: a % run cannot become %', OLD.id, OLD.state, NEW.state;
  END IF;
  IF NEW.finished_at IS DISTINCT FROM OLD.finished_at AND OLD.finished_at IS NOT NULL THEN
    RAISE EXCEPTION 'run %: it is over and stays as it is', OLD.id;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER job_runs_guard BEFORE UPDATE ON job_runs
  FOR EACH ROW EXECUTE FUNCTION job_runs_guard();

-- A final run holds no key: the transaction that ends a run must also free what it held.
CREATE FUNCTION job_runs_free_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM job_run_keys k JOIN job_runs r ON r.id = k.run_id
             WHERE k.run_id = NEW.id AND r.finished_at IS NOT NULL) THEN
    RAISE EXCEPTION 'run %: it is over but still holds keys', NEW.id;
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER job_runs_free_keys AFTER UPDATE ON job_runs
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL)
  EXECUTE FUNCTION job_runs_free_keys();

-- The audit log only grows.
CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END $$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();

-- What exists from the first day: settings version 1 (all defaults) and the schedules.
INSERT INTO settings (values, note, created_by) VALUES ('{}', 'defaults', 'migration');

INSERT INTO schedules (id, title, job_name, args, cron) VALUES
  ('daily_sync', 'Daily Zendesk Sync', 'pipeline', '{}', '0 2 * * *'),
  ('hourly_trends', 'Hourly Trends', 'trends', '{}', '0 * * * *'),
  ('nightly_retention', 'Nightly Retention', 'retention', '{}', '40 3 * * *');

-- Counters add up key by key; a unit's amounts are added to what earlier units, even of other attempts, counted.
CREATE FUNCTION add_counters(before jsonb, added jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT before || coalesce(
    (SELECT jsonb_object_agg(key, coalesce((before ->> key)::numeric, 0) + value::numeric)
     FROM jsonb_each_text(added)), '{}')
$$;
