-- change_letters.sql: brings letters to another state and keeps the one before for a restore.
-- Goes after `WITH chosen AS (SELECT d.letter_id FROM dead_letters d` and letter_filter.sql.
-- $13 states that may be left   $14 the new state; NULL: back to the one before   $15 who   $16 why
-- $17 at most this many at once   $18 after this letter_id: what one pass has changed is not looked at again
-- Locks in letter_id order. Called by store/dead_letters/change.rs only.
   AND d.state = ANY ($13::text[]) AND d.letter_id > $18
 ORDER BY d.letter_id
 LIMIT $17
   FOR UPDATE
), changed AS (
    UPDATE dead_letters d
       SET state = coalesce($14, d.state_before),
           -- Only an open letter is discarded, so that is what a discarded one goes back to.
           state_before = CASE WHEN $14::text IS NOT NULL THEN d.state WHEN d.state_before = 'discarded' THEN 'open' END,
           state_at = now(), state_by = $15, state_reason = $16
      FROM chosen
     WHERE d.letter_id = chosen.letter_id
    RETURNING d.letter_id
)
SELECT count(*) AS letters, (SELECT letter_id FROM chosen ORDER BY letter_id DESC LIMIT 1) AS last FROM changed
