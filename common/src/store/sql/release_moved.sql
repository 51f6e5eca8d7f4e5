-- release_moved.sql: parked jobs of malls that took to another bucket (limiter_key) are released once nothing keeps them.
-- The hour is that of waits_for, and five minutes more; whoever was away for longer releases all at its start. Answers how many.
-- Tells the feeder. Locks in job_id order; what somebody else has locked is his to decide. Called by store/pauses/keep.rs only.
WITH released AS (
    UPDATE jobs SET work_state = 'planned'
     WHERE job_id IN (
        SELECT j.job_id
          FROM connectors c
          JOIN jobs j USING (mall_id)
          LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
         WHERE c.limiter_key_since > now() - interval '65 minutes' AND j.work_state = 'parked' AND barrier.what IS NULL
         ORDER BY j.job_id
           FOR UPDATE OF j SKIP LOCKED)
    RETURNING limiter_key
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM released) AS keys
)
SELECT count(*) AS released, (SELECT count(*) FROM told) AS told FROM released
