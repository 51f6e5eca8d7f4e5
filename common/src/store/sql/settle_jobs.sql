-- settle_jobs.sql: records outcomes, in the transaction that writes the rows, before any delivery is acknowledged.
-- $1 job_id[] $2 fence[] $3 work_state[] (done, planned, failed, parked) $4 attempt[] (0 or 1, added)
-- $5 delay_ms[] (planned: not before now + delay) $6 rows[] $7 error_class[] $8 error[] $9 evidence[] $10 pages[]; equal lengths
-- Only the claim that holds the job settles it; a zombie's outcome finds another fence and changes nothing.
-- Whether an unfinished job is planned or parked is for its mall and its endpoint now: put back while one of them was
-- paused, it is parked; parked by a refusal although its mall sends again (connected anew meanwhile), it is planned; if its
-- mall was removed, it is cancelled. An outcome that came too late for its claim shows
-- that the job did not end its worker. Tells the feeder which keys have room (NOTIFY at commit), and the daemon which malls have
-- jobs parked, so that it looks again (listen.rs): a mall may be resumed between what this statement sees and its commit.
-- A failed attempt goes into the job's history; what is put back for throttling, or goes well, does not touch it.
-- Locks in job_id order. Called by store/commit.rs only.
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::int[], $7::text[], $8::text[], $9::jsonb[], $10::int[])
        AS a (job_id, fence, state, attempt, delay_ms, rows, error_class, error, evidence, pages)
), locked AS (
    SELECT j.job_id, j.fence = a.fence AS held,
           CASE
               WHEN a.state IN ('done', 'failed') THEN a.state
               WHEN c.mall_id IS NULL THEN 'cancelled'
               WHEN barrier.what IS NULL THEN 'planned'
               ELSE 'parked'
           END AS work_state
      FROM asked a
      JOIN jobs j USING (job_id)
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
     WHERE j.work_state = 'running'
       AND (j.fence = a.fence OR (j.fence > a.fence AND j.crashes > 0))
     ORDER BY j.job_id
       FOR UPDATE OF j
), settled AS (
    UPDATE jobs j
       SET work_state = locked.work_state,
           settled_fence = a.fence,
           attempts = j.attempts + a.attempt,
           crashes = 0,
           not_before = CASE WHEN a.state = 'planned' THEN now() + make_interval(secs => a.delay_ms / 1000.0) ELSE j.not_before END,
           put_back_at = CASE WHEN locked.work_state IN ('planned', 'parked') THEN now() ELSE j.put_back_at END,
           finished_at = CASE WHEN locked.work_state IN ('done', 'failed', 'cancelled') THEN now() END,
           rows = coalesce(a.rows, j.rows),
           pages = coalesce(a.pages, j.pages),
           error_class = CASE WHEN a.state = 'done' THEN NULL ELSE coalesce(a.error_class, j.error_class) END,
           error = CASE WHEN a.state = 'done' THEN NULL ELSE coalesce(a.error, j.error) END,
           evidence = CASE WHEN a.state = 'done' THEN NULL ELSE coalesce(a.evidence, j.evidence) END,
           history = CASE WHEN a.error_class IS NULL OR (a.attempt = 0 AND a.state <> 'parked') THEN j.history
                          ELSE failed_attempt(j.history, j.worker, j.attempts + a.attempt, a.error_class, a.error) END
      FROM asked a
      JOIN locked USING (job_id)
     WHERE j.job_id = a.job_id
       AND locked.held
    RETURNING j.job_id, j.limiter_key, j.mall_id, j.work_state
), alive AS (
    UPDATE jobs SET crashes = 0 WHERE job_id IN (SELECT job_id FROM locked WHERE NOT held)
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM settled) AS keys
    UNION ALL
    SELECT pg_notify('cafe24_parked', mall_id) FROM (SELECT DISTINCT mall_id FROM settled WHERE work_state = 'parked') AS malls
)
SELECT job_id, (SELECT count(*) FROM told) AS told FROM settled
