-- run_progress.sql: how far a run is, with what of it is forgotten (prune_jobs.sql, prune_letters.sql). $1 run_id. Index jobs_run (one run's jobs only).
SELECT j.known + forgotten.done + forgotten.failed + forgotten.cancelled AS jobs, j.done + forgotten.done AS done,
       j.failed + forgotten.failed AS failed,
       j.cancelled + forgotten.cancelled AS cancelled, j.parked, j.running, j.queued, j.planned, j.rows + forgotten.rows AS rows
  FROM (
    SELECT count(*) AS known,
           count(*) FILTER (WHERE work_state = 'done') AS done,
           count(*) FILTER (WHERE work_state = 'failed') AS failed,
           count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE work_state = 'parked') AS parked,
           count(*) FILTER (WHERE work_state = 'running') AS running,
           count(*) FILTER (WHERE work_state = 'queued') AS queued,
           count(*) FILTER (WHERE work_state = 'planned') AS planned,
           coalesce(sum(rows) FILTER (WHERE work_state = 'done'), 0)::bigint AS rows
      FROM jobs
     WHERE run_id = $1) AS j
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(forgotten_done), 0)::bigint AS done, coalesce(sum(forgotten_failed), 0)::bigint AS failed,
           coalesce(sum(forgotten_cancelled), 0)::bigint AS cancelled, coalesce(sum(forgotten_rows), 0)::bigint AS rows
      FROM runs
     WHERE run_id = $1) AS forgotten
