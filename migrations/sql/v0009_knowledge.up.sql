-- What the reader knows and what it never sees. Written by hand; tests/rules/test_schema.py compares it with the models.

-- Texts without personal data. The default is no rule of ours, so every text is made again before the next reading.
ALTER TABLE tickets ADD COLUMN text_rules TEXT DEFAULT '' NOT NULL;
CREATE INDEX tickets_text_rules_idx ON tickets (text_rules);

CREATE TABLE people (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  CONSTRAINT people_pkey PRIMARY KEY (source, key)
);

-- A taxonomy to begin with, unless there is one: docs/examples/generic-saas.toml brings it back. Settings under which
-- nothing was done yet are completed; others get a new version.
DO $do$
DECLARE
  generic jsonb := '{
 "areas": {
  "Sign-in and access": ["login", "log in", "sign in", "password", "two-factor", "2FA", "SSO", "locked out", "permission", "connexion", "mot de passe"],
  "Account and users": ["account", "profile", "invite", "invitation", "user", "role", "team", "compte"],
  "Billing and plans": ["invoice", "billing", "charged", "payment", "refund", "subscription", "plan", "seat", "facture", "abonnement"],
  "Dashboard and reports": ["dashboard", "report", "chart", "graph", "statistics", "rapport"],
  "Search and navigation": ["search", "filter", "sort", "menu", "navigation", "recherche"],
  "Editing and content": ["editor", "save", "draft", "template", "undo", "copy", "paste"],
  "Files and attachments": ["upload", "download", "attachment", "file", "image", "PDF", "fichier"],
  "Import and export": ["import", "export", "CSV", "Excel", "spreadsheet"],
  "Integrations and API": ["integration", "API", "webhook", "sync", "Slack", "Zapier", "OAuth"],
  "Notifications and mail": ["notification", "email", "reminder", "alert", "digest"],
  "Mobile app": ["iPhone", "iPad", "Android", "mobile", "app store", "push"],
  "Desktop and browser": ["Windows", "macOS", "Linux", "Chrome", "Firefox", "Safari", "browser", "extension"],
  "Performance and availability": ["slow", "timeout", "time out", "down", "outage", "unavailable", "loading", "lent"],
  "Data and storage": ["lost data", "missing data", "duplicate", "backup", "restore", "database", "quota"],
  "Settings and administration": ["settings", "configuration", "preference", "admin", "domain", "language", "time zone"],
  "Help and documentation": ["documentation", "help center", "tutorial", "instructions", "how to", "onboarding"]
 },
 "components": {
  "Sign-in and access": ["Password", "Single sign-on", "Two-factor", "Sessions", "Permissions"],
  "Account and users": ["Profile", "Invitations", "Teams and roles", "Closing an account"],
  "Billing and plans": ["Invoices", "Payment", "Plans and limits", "Taxes"],
  "Dashboard and reports": ["Dashboard", "Charts", "Scheduled report", "Figures"],
  "Search and navigation": ["Search", "Filters and sorting", "Navigation"],
  "Editing and content": ["Editor", "Saving", "Templates", "Collaboration"],
  "Files and attachments": ["Upload", "Download", "Preview"],
  "Import and export": ["Import", "Export", "Mapping"],
  "Integrations and API": ["API", "Webhooks", "Connected apps", "Sync"],
  "Notifications and mail": ["Email", "Push", "In-app", "Preferences"],
  "Mobile app": ["iOS", "Android", "Offline", "Push"],
  "Desktop and browser": ["Windows", "macOS", "Linux", "Browser support"],
  "Performance and availability": ["Loading time", "Outage", "Crashes and memory"],
  "Data and storage": ["Lost data", "Wrong data", "Duplicates", "Backup and restore"],
  "Settings and administration": ["Workspace settings", "Language and time zone", "Audit and security"],
  "Help and documentation": ["Help articles", "Onboarding", "In-app help"]
 }
}';
BEGIN
  UPDATE settings SET values = generic, note = 'a generic taxonomy'
  WHERE created_by = 'migration' AND values = '{}' AND (SELECT count(*) FROM settings) = 1
    AND NOT EXISTS (SELECT FROM job_runs) AND NOT EXISTS (SELECT FROM analyses);
  IF NOT FOUND THEN
    INSERT INTO settings (values, note, created_by)
    SELECT values || generic, 'a generic taxonomy', 'migration'
    FROM (SELECT values FROM settings ORDER BY version DESC LIMIT 1) AS current
    WHERE NOT values ? 'areas' AND NOT values ? 'components';
  END IF;
END $do$;

-- What customers could have read.
CREATE TABLE help_centers (
  base TEXT NOT NULL,
  read_at TIMESTAMP WITH TIME ZONE,
  fault TEXT,
  CONSTRAINT help_centers_pkey PRIMARY KEY (base)
);

CREATE TABLE help_articles (
  base TEXT NOT NULL,
  article_id BIGINT NOT NULL,
  title TEXT NOT NULL,
  section TEXT NOT NULL,
  url TEXT NOT NULL,
  body TEXT NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT help_articles_pkey PRIMARY KEY (base, article_id)
);

INSERT INTO schedules (id, title, job_name, args, cron) VALUES
  ('weekly_help_center', 'Weekly Help Center', 'help_center', '{}', '20 3 * * 0');

-- The answer for an identical text, asked in the identical way, is used again.
ALTER TABLE analyses ADD COLUMN question TEXT;
ALTER TABLE analyses ADD COLUMN same_as BIGINT;
ALTER TABLE analyses ADD CONSTRAINT analyses_same_as_fkey FOREIGN KEY (same_as) REFERENCES analyses (id) ON DELETE SET NULL;
CREATE INDEX analyses_identical_idx ON analyses (text_hash, question) WHERE question IS NOT NULL;
CREATE INDEX analyses_same_as_idx ON analyses (same_as) WHERE same_as IS NOT NULL;
