DROP TABLE model_calls;

ALTER TABLE issues DROP COLUMN facts;
