DROP TABLE reread_issues;

DROP TABLE reread_tickets;

DROP TABLE rereadings;

DROP TABLE trial_readings;

DROP TABLE trials;

DROP TABLE check_items;

DROP TABLE checks;

DROP TABLE corrections;
