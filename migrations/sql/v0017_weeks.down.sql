DROP TABLE week_visits;

DROP TABLE closed_weeks;
