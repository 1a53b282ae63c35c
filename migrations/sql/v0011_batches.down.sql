ALTER TABLE model_calls DROP COLUMN batch_id;

DROP TABLE model_batch_requests;

DROP TABLE model_batches;
