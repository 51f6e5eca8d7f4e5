-- backfills.sql: runs of the backfill lane, the newest first: how far they are.
-- $1 run_id, or NULL: those whose wish names the lane, or that have a job in it   $2 at most so many   $3 also what is over
-- gone: jobs that ended well so long ago that they are forgotten (prune_jobs.sql); what they brought stands in slices.
-- Indexes runs_created, jobs_run, jobs_finished. Called by store/backfills.rs only.
SELECT r.run_id, r.kind, r.created_at, r.jobs_planned AS jobs, j.done + greatest(r.jobs_planned - j.known, 0) AS done,
       j.failed, j.cancelled, j.parked, j.queued, j.planned, j.recent
  FROM runs r
 CROSS JOIN LATERAL (
    SELECT count(*) AS known,
           count(*) FILTER (WHERE work_state = 'done') AS done,
           count(*) FILTER (WHERE work_state = 'failed') AS failed,
           count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE work_state = 'parked') AS parked,
           count(*) FILTER (WHERE work_state IN ('queued', 'running')) AS queued,
           count(*) FILTER (WHERE work_state = 'planned') AS planned,
           -- Beside the others, which the index alone answers, of millions of jobs.
           (SELECT count(*) FROM jobs
             WHERE work_state = 'done' AND finished_at > now() - interval '1 minute' AND run_id = r.run_id) AS recent
      FROM jobs
     WHERE run_id = r.run_id) AS j
 WHERE r.run_id = $1
    OR ($1::uuid IS NULL AND r.jobs_planned > 0
        AND (r.wish ->> 'lane' = 'backfill' OR EXISTS (SELECT FROM jobs WHERE run_id = r.run_id AND lane = 'backfill'))
        AND ($3 OR j.parked + j.queued + j.planned > 0))
 ORDER BY r.created_at DESC, r.run_id DESC
 LIMIT $2
