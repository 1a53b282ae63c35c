DROP TABLE setup_checks;
