ALTER TABLE themes ADD COLUMN owner TEXT;

ALTER TABLE themes ADD COLUMN fixed_version TEXT;

ALTER TABLE themes ADD COLUMN came_back_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE themes ADD CONSTRAINT themes_fixed_version_check CHECK (fixed_version IS NULL OR fixed_at IS NOT NULL);

ALTER TABLE themes ADD CONSTRAINT themes_came_back_check CHECK (came_back_at IS NULL OR fixed_at IS NOT NULL);

CREATE INDEX themes_heir_id_idx ON themes (heir_id) WHERE heir_id IS NOT NULL;

CREATE INDEX themes_fixed_idx ON themes (id) WHERE fixed_at IS NOT NULL AND retired_at IS NULL;

CREATE TABLE theme_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  theme_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  before JSONB DEFAULT '{}' NOT NULL,
  after JSONB DEFAULT '{}' NOT NULL,
  undoes_id BIGINT,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_log_pkey PRIMARY KEY (id),
  CONSTRAINT theme_log_kind_check CHECK (kind IN ('status', 'owner', 'note', 'link')),
  CONSTRAINT theme_log_undoes_id_key UNIQUE (undoes_id),
  CONSTRAINT theme_log_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id),
  CONSTRAINT theme_log_undoes_id_fkey FOREIGN KEY(undoes_id) REFERENCES theme_log (id)
);

CREATE INDEX theme_log_theme_id_id_idx ON theme_log (theme_id, id);

CREATE FUNCTION theme_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'theme_log is append-only';
END $$;

CREATE TRIGGER theme_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON theme_log
  FOR EACH STATEMENT EXECUTE FUNCTION theme_log_append_only();

CREATE TABLE theme_links (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  theme_id BIGINT NOT NULL,
  url TEXT NOT NULL,
  title TEXT,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_links_pkey PRIMARY KEY (id),
  CONSTRAINT theme_links_https_check CHECK (url LIKE 'https://%'),
  CONSTRAINT theme_links_url_key UNIQUE (url),
  CONSTRAINT theme_links_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id)
);

CREATE INDEX theme_links_theme_id_idx ON theme_links (theme_id);

CREATE TABLE theme_contacts (
  theme_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  state TEXT NOT NULL,
  marked_by TEXT NOT NULL,
  marked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT theme_contacts_pkey PRIMARY KEY (theme_id, customer_id),
  CONSTRAINT theme_contacts_state_check CHECK (state IN ('to_contact', 'told')),
  CONSTRAINT theme_contacts_theme_id_fkey FOREIGN KEY(theme_id) REFERENCES themes (id),
  CONSTRAINT theme_contacts_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE
);

CREATE INDEX theme_contacts_customer_id_idx ON theme_contacts (customer_id);
