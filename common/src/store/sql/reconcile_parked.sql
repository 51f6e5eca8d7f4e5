-- reconcile_parked.sql: parked jobs that wait for nothing any more are released: an endpoint of all malls was resumed, or
-- a job was parked while its mall was resumed; those of a mall that was removed at that moment are cancelled, as its others were.
-- Some malls at a time, so that a million parked jobs are looked at once a pass, not once a portion.
-- $1 after this mall id (keyset) $2 malls at most $3 mall_id[]: of these only; NULL: of all. Answers the last mall that was
-- looked at, NULL: none was left.
-- Index jobs_parked. Tells the feeder. Locks in job_id order; what somebody else has locked is his to decide, and he tells
-- (listen.rs).
-- Called by store/pauses/keep.rs only.
WITH portion AS (
    SELECT DISTINCT mall_id FROM jobs
     WHERE work_state = 'parked' AND mall_id > $1 AND ($3::text[] IS NULL OR mall_id = ANY ($3))
     ORDER BY mall_id LIMIT $2
), free AS (
    SELECT j.job_id, c.mall_id IS NULL AS removed
      FROM portion
      JOIN jobs j USING (mall_id)
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
     WHERE j.work_state = 'parked' AND (barrier.what IS NULL OR c.mall_id IS NULL)
     ORDER BY j.job_id
       FOR UPDATE OF j SKIP LOCKED
), released AS (
    UPDATE jobs
       SET work_state = CASE WHEN removed THEN 'cancelled' ELSE 'planned' END,
           finished_at = CASE WHEN removed THEN now() END,
           error = CASE WHEN removed THEN 'the mall was removed' ELSE error END
      FROM free
     WHERE jobs.job_id = free.job_id
    RETURNING limiter_key
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM released) AS keys
)
SELECT (SELECT max(mall_id) FROM portion) AS last, count(*) AS released, (SELECT count(*) FROM told) AS told FROM released
