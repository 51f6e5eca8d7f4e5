-- mark_replayed.sql: letters that a run replays, in the transaction that plans their jobs.
-- $1 letter_id[] (locked by replay_letters.sql) $2 run_id $3 who. Called by store/dead_letters/replay.rs only.
UPDATE dead_letters
   SET state = 'replayed', state_at = now(), state_by = $3, replay_run = $2, replayed_at = now()
 WHERE letter_id = ANY ($1)
