ALTER TABLE model_batch_requests ADD COLUMN second BOOLEAN DEFAULT false NOT NULL;
