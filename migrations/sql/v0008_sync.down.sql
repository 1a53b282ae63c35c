DROP INDEX due_conversations_source_version_idx;
UPDATE tickets SET gone_reason = 'brand' WHERE gone_reason = 'hidden';
ALTER TABLE tickets DROP CONSTRAINT tickets_gone_reason_check;
ALTER TABLE tickets ADD CONSTRAINT tickets_gone_reason_check
  CHECK (gone_reason IS NULL OR gone_reason IN ('deleted', 'missing', 'brand', 'cleared'));

UPDATE tickets SET zendesk_ticket_id = NULL FROM zendesk_accounts AS account
WHERE account.source = tickets.source AND account.state <> 'synced';
ALTER TABLE tickets DROP CONSTRAINT tickets_zendesk_ticket_id_source_key;
ALTER TABLE tickets ADD CONSTRAINT tickets_zendesk_ticket_id_key UNIQUE (zendesk_ticket_id);

DROP TABLE zendesk_accounts;
DROP TABLE webhook_calls;
DROP TABLE job_wakes;

UPDATE job_runs SET trigger = 'api' WHERE trigger = 'webhook';
ALTER TABLE job_runs DROP CONSTRAINT job_runs_trigger_check;
ALTER TABLE job_runs ADD CONSTRAINT job_runs_trigger_check
  CHECK (trigger IN ('schedule', 'button', 'api', 'cli', 'code', 'rerun', 'pipeline'));
