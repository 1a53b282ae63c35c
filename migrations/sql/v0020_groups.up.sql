ALTER TABLE issues DROP CONSTRAINT issues_type_check;
ALTER TABLE issues ADD CONSTRAINT issues_type_check CHECK (type IN ('bug', 'friction', 'ux_confusion', 'feature_request', 'documentation_gap', 'data_issue', 'configuration', 'performance', 'other', 'unclear'));
UPDATE issues SET type = 'unclear'
WHERE analyzer = 'local' AND type = 'other' AND confidence < 0.4 AND NOT edited ? 'type';
