-- reconcile_parked.sql: parked jobs that wait for nothing any more are released: an endpoint of all malls was resumed, or
-- a job was parked between a change and its claim. $1 at most this many; called until fewer come back.
-- Index jobs_parked. Tells the feeder. Locks in job_id order; what somebody else has locked is his to decide.
WITH released AS (
    UPDATE jobs SET work_state = 'planned'
     WHERE job_id IN (
        SELECT j.job_id
          FROM jobs j
          JOIN connectors c USING (mall_id)
          LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
         WHERE j.work_state = 'parked' AND barrier.what IS NULL
         ORDER BY j.job_id
         LIMIT $1
           FOR UPDATE OF j SKIP LOCKED)
    RETURNING limiter_key
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM released) AS keys
)
SELECT count(*) AS released, (SELECT count(*) FROM told) AS told FROM released
