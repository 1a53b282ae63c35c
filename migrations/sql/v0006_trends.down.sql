DROP TABLE trend_look;

DROP TABLE theme_episodes;

ALTER TABLE themes DROP COLUMN fixed_at;
