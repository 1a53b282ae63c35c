DROP INDEX audit_log_action_idx, audit_log_actor_idx;
DELETE FROM sessions WHERE token_id IS NULL OR stage <> 'full';
ALTER TABLE sessions DROP COLUMN stage, DROP COLUMN user_id, ALTER COLUMN token_id SET NOT NULL;
ALTER TABLE api_tokens DROP COLUMN user_id;
DROP TABLE throttles, user_links, users;
