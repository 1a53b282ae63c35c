-- Everything that v0001_core.up.sql made.

DROP TABLE theme_events CASCADE;
DROP TABLE theme_days CASCADE;
DROP TABLE issues CASCADE;
DROP TABLE ticket_comments CASCADE;
DROP TABLE themes CASCADE;
DROP TABLE sync_cursors CASCADE;
DROP TABLE schedule_ticks CASCADE;
DROP TABLE job_run_steps CASCADE;
DROP TABLE job_run_keys CASCADE;
DROP TABLE job_run_events CASCADE;
DROP TABLE job_run_attempts CASCADE;
DROP TABLE analyses CASCADE;
DROP TABLE tickets CASCADE;
DROP TABLE sessions CASCADE;
DROP TABLE job_runs CASCADE;
DROP TABLE workers CASCADE;
DROP TABLE switches CASCADE;
DROP TABLE settings CASCADE;
DROP TABLE schedules CASCADE;
DROP TABLE embeddings CASCADE;
DROP TABLE customers CASCADE;
DROP TABLE beats CASCADE;
DROP TABLE audit_log CASCADE;
DROP TABLE api_tokens CASCADE;

DROP FUNCTION job_runs_guard();
DROP FUNCTION job_runs_free_keys();
DROP FUNCTION audit_log_append_only();
DROP FUNCTION add_counters(jsonb, jsonb);
