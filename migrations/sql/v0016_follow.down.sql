DROP TABLE theme_contacts;

DROP TABLE theme_links;

DROP TABLE theme_log;

DROP FUNCTION theme_log_append_only();

DROP INDEX themes_fixed_idx;

DROP INDEX themes_heir_id_idx;

ALTER TABLE themes DROP COLUMN came_back_at;

ALTER TABLE themes DROP COLUMN fixed_version;

ALTER TABLE themes DROP COLUMN owner;
