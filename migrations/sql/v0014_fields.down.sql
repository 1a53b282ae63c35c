DROP INDEX tickets_merged_idx;
ALTER TABLE rate_budgets DROP COLUMN minute_before, DROP COLUMN minute_calls, DROP COLUMN minute_at;
ALTER TABLE access_tokens DROP COLUMN renewing_lease, DROP COLUMN renewing_run;
ALTER TABLE zendesk_accounts DROP COLUMN titles_read_at;
DROP TABLE zendesk_titles;
