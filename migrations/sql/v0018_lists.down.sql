DROP INDEX tickets_words_idx;

DROP TABLE saved_views;
