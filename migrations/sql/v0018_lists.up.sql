CREATE TABLE saved_views (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  owner TEXT NOT NULL,
  list TEXT NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT saved_views_pkey PRIMARY KEY (id),
  CONSTRAINT saved_views_owner_list_name_key UNIQUE (owner, list, name),
  CONSTRAINT saved_views_list_check CHECK (list IN ('themes', 'issues', 'tickets', 'customers'))
);

CREATE INDEX tickets_words_idx ON tickets
  USING gin (to_tsvector('simple'::regconfig, left(text, 100000))) WHERE deleted_at IS NULL;
