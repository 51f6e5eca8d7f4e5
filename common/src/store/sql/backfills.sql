-- backfills.sql: runs of the backfill lane, the newest first: how far they are.
-- $1 run_id, or NULL: those whose wish names the lane, or that have a job in it   $2 at most so many   $3 also what is over
-- Jobs that ended so long ago that they are forgotten (prune_jobs.sql, prune_letters.sql) are in the run's sums; those that were forgotten before
-- it had any count as done.
-- One look at a run's jobs, in the index alone: to ask beside it whether it has one in the lane made Postgres read the jobs of all runs
-- for each fresh one, since of many jobs in the lane it expects to meet one at once.
-- Indexes runs_created, jobs_run, jobs_finished. Called by store/backfills.rs only.
SELECT r.run_id, r.kind, r.created_at, r.jobs_planned AS jobs,
       j.done + greatest(r.jobs_planned - r.forgotten_failed - r.forgotten_cancelled - j.known, 0) AS done,
       j.failed + r.forgotten_failed AS failed, j.cancelled + r.forgotten_cancelled AS cancelled, j.parked, j.queued, j.planned,
       -- Beside the others, which the index alone answers, of millions of jobs.
       (SELECT count(*) FROM jobs
         WHERE work_state = 'done' AND finished_at > now() - interval '1 minute' AND run_id = r.run_id) AS recent
  FROM runs r
 CROSS JOIN LATERAL (
    SELECT count(*) AS known,
           count(*) FILTER (WHERE lane = 'backfill') AS backfill,
           count(*) FILTER (WHERE work_state = 'done') AS done,
           count(*) FILTER (WHERE work_state = 'failed') AS failed,
           count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE work_state = 'parked') AS parked,
           count(*) FILTER (WHERE work_state IN ('queued', 'running')) AS queued,
           count(*) FILTER (WHERE work_state = 'planned') AS planned
      FROM jobs
     WHERE run_id = r.run_id) AS j
 WHERE r.run_id = $1
    OR ($1::uuid IS NULL AND r.jobs_planned > 0
        AND (r.wish ->> 'lane' = 'backfill' OR j.backfill > 0)
        AND ($3 OR j.parked + j.queued + j.planned > 0))
 ORDER BY r.created_at DESC, r.run_id DESC
 LIMIT $2
