-- cancel_run.sql: drops waiting jobs of a run, a portion at a time. Running ones end as they may; what was fetched stays.
-- $1 run_id $2 at most so many $3 why, in words. A message of a dropped job is acknowledged without a request (claim.sql).
-- Locks in job_id order. Index jobs_run. Called by store/backfills.rs only.
UPDATE jobs
   SET work_state = 'cancelled', finished_at = now(), error = $3
 WHERE job_id IN (
    SELECT job_id
      FROM jobs
     WHERE run_id = $1 AND work_state IN ('planned', 'queued', 'parked')
     ORDER BY job_id
     LIMIT $2
       FOR UPDATE)
