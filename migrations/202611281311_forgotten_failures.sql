-- Failed jobs are forgotten with their letters (prune_letters.sql), and their run knows of them as of the others.

ALTER TABLE runs ADD COLUMN forgotten_failed bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN runs.forgotten_failed IS 'Jobs that failed for good and whose rows in jobs are gone, as their letters are. Those that went before this column came are in none.';
