CREATE TABLE users (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT,
  password_changed_at TIMESTAMP WITH TIME ZONE,
  totp_secret TEXT,
  totp_confirmed_at TIMESTAMP WITH TIME ZONE,
  totp_last_step BIGINT,
  recovery_hashes TEXT[] DEFAULT '{}' NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_login_at TIMESTAMP WITH TIME ZONE,
  disabled_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_email_check CHECK (email = lower(email)),
  CONSTRAINT users_role_check CHECK (role IN ('viewer', 'operator', 'admin')),
  CONSTRAINT users_totp_check CHECK (totp_confirmed_at IS NULL OR totp_secret IS NOT NULL)
);

CREATE TABLE user_links (
  key_hash TEXT NOT NULL,
  user_id BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT user_links_pkey PRIMARY KEY (key_hash),
  CONSTRAINT user_links_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX user_links_user_id_idx ON user_links (user_id);

-- Tries to log in, and starts of jobs: counted here, so that a restart forgets nothing and all processes count alike.
CREATE TABLE throttles (
  key TEXT NOT NULL,
  count INTEGER NOT NULL,
  not_before TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT throttles_pkey PRIMARY KEY (key)
);

CREATE INDEX throttles_updated_at_idx ON throttles (updated_at);

ALTER TABLE api_tokens ADD COLUMN user_id BIGINT;
ALTER TABLE api_tokens
  ADD CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE;
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);

-- A session belongs to a user or to the token it was opened with. Until its stage is 'full' it opens nothing but the
-- page of the next step.
ALTER TABLE sessions ALTER COLUMN token_id DROP NOT NULL;
ALTER TABLE sessions ADD COLUMN user_id BIGINT;
ALTER TABLE sessions ADD COLUMN stage TEXT DEFAULT 'full' NOT NULL;
ALTER TABLE sessions
  ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE sessions ADD CONSTRAINT sessions_owner_check CHECK (num_nonnulls(token_id, user_id) = 1);
ALTER TABLE sessions ADD CONSTRAINT sessions_stage_check CHECK (stage IN ('code', 'enrol', 'full'));
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

-- The audit page: everything, one actor's acts, one kind of act, the newest first.
CREATE INDEX audit_log_actor_idx ON audit_log (actor_name, id DESC);
CREATE INDEX audit_log_action_idx ON audit_log (action, id DESC);
