-- park_paused.sql: waiting jobs of endpoints that are paused for all malls are parked, some malls at a time, so that no
-- lock is held for longer than a moment however deep the backlog is.
-- $1 after this mall id (keyset) $2 malls at most. Answers the last mall that was looked at, NULL: none was left.
-- Index jobs_live. Locks in job_id order; what somebody else has locked is parked by its claim. Called by store/pauses/keep.rs.
WITH portion AS (
    SELECT mall_id FROM connectors WHERE mall_id > $1 ORDER BY mall_id LIMIT $2
), parked AS (
    UPDATE jobs SET work_state = 'parked'
     WHERE job_id IN (
        SELECT j.job_id
          FROM portion
          JOIN connectors c USING (mall_id)
          JOIN jobs j USING (mall_id)
          JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
         WHERE j.work_state IN ('planned', 'queued')
           AND j.endpoint IN (SELECT p.endpoint FROM endpoint_pauses p WHERE p.ended_at IS NULL AND p.mall_id IS NULL)
         ORDER BY j.job_id
           FOR UPDATE OF j SKIP LOCKED)
    RETURNING job_id
)
SELECT (SELECT max(mall_id) FROM portion) AS last, count(*) AS parked FROM parked
