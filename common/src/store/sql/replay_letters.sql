-- replay_letters.sql: the next letters of a replay, those of a few malls, locked. Goes after letter_filter.sql.
-- $13 after this mall_id $14 start_date $15 letter_id (keyset)   $16 at most this many
-- Whose mall was removed has no connector. Index dead_letters_mall. Called by store/dead_letters/replay.rs only.
   AND d.job_id IS NOT NULL
   AND (d.mall_id, d.start_date, d.letter_id) > ($13, $14, $15)
 ORDER BY d.mall_id, d.start_date, d.letter_id
 LIMIT $16
   FOR UPDATE OF d
