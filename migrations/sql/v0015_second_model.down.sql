ALTER TABLE model_batch_requests DROP COLUMN second;
