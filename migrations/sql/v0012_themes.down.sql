DROP TABLE theme_likenesses;

DROP TABLE theme_edits;

DROP TABLE theme_proposals;

DROP TABLE theme_groupings;

DROP INDEX issues_words_idx;

ALTER TABLE themes DROP COLUMN portrait;
