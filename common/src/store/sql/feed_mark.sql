-- feed_mark.sql: the broker has confirmed these jobs.
-- $1 job_id[] $2 fence[] (as read by feed_next.sql, NULL if never claimed); equal lengths
-- A job that was claimed meanwhile has another fence and is left alone, also if it is already planned again.
-- Locks in job_id order.
WITH published AS (
    SELECT j.job_id
      FROM unnest($1::uuid[], $2::bigint[]) AS p (job_id, fence)
      JOIN jobs j USING (job_id)
     WHERE j.work_state = 'planned' AND j.fence IS NOT DISTINCT FROM p.fence
     ORDER BY j.job_id
       FOR UPDATE OF j
)
UPDATE jobs SET work_state = 'queued', queued_at = now()
  FROM published
 WHERE jobs.job_id = published.job_id
