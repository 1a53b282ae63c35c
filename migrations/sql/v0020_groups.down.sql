UPDATE issues SET type = 'other' WHERE type = 'unclear';
UPDATE themes SET type = 'other' WHERE type = 'unclear';
ALTER TABLE issues DROP CONSTRAINT issues_type_check;
ALTER TABLE issues ADD CONSTRAINT issues_type_check CHECK (type IN ('bug', 'friction', 'ux_confusion', 'feature_request', 'documentation_gap', 'data_issue', 'configuration', 'performance', 'other'));
