DROP TABLE backlogs;
