-- prune_letters.sql: forgets letters for good, and the failed jobs that they name (else archive_lost.sql would bring
-- them back). $1 purged more than this many seconds ago (until then: dead restore)
-- $2 replayed or discarded more than this many seconds ago   $3 at most this many at once
-- How many they were stands in their run; runs are locked in the order of their ids, as in prune_jobs.sql. Index dead_letters_over.
-- Called by the reconciler.
WITH over AS (
    SELECT letter_id, job_id
      FROM dead_letters
     WHERE (state = 'purged' AND state_at < now() - make_interval(secs => $1))
        OR (state IN ('replayed', 'discarded') AND state_at < now() - make_interval(secs => $2))
     LIMIT $3
       FOR UPDATE SKIP LOCKED
), letters AS (
    DELETE FROM dead_letters d USING over WHERE d.letter_id = over.letter_id
), forgotten AS (
    DELETE FROM jobs j USING over WHERE j.job_id = over.job_id AND j.work_state = 'failed'
    RETURNING j.run_id
), summed AS (
    SELECT run_id, count(*) AS failed FROM forgotten GROUP BY run_id
), locked AS (
    SELECT r.run_id FROM runs r JOIN summed USING (run_id) ORDER BY r.run_id FOR NO KEY UPDATE OF r
), counted AS (
    UPDATE runs r
       SET forgotten_failed = r.forgotten_failed + summed.failed
      FROM locked
      JOIN summed USING (run_id)
     WHERE r.run_id = locked.run_id
)
SELECT count(*) AS letters FROM over
