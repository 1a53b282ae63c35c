-- What the up script made, taken back. Tickets that were hidden are shown again only by a new sync.
DELETE FROM schedules WHERE id = 'weekly_reconcile';
DROP TABLE customer_facts, mirror_checks, access_tokens, rate_budgets, staged_comments, ticket_merges, due_conversations;
ALTER TABLE sync_cursors DROP COLUMN start_time, DROP COLUMN end_time, DROP COLUMN page_size,
  DROP COLUMN covered_from, DROP COLUMN brands, DROP COLUMN counts_notes;
ALTER TABLE tickets DROP COLUMN gone_reason, DROP COLUMN merged_into, DROP COLUMN comment_count,
  DROP COLUMN conversation_version;
ALTER TABLE customers DROP COLUMN renewal_date, DROP COLUMN fields;
