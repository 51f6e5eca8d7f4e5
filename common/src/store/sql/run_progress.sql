-- run_progress.sql: how far a run is. $1 run_id. Index jobs_run (one run's jobs only).
SELECT count(*) AS jobs,
       count(*) FILTER (WHERE work_state = 'done') AS done,
       count(*) FILTER (WHERE work_state = 'failed') AS failed,
       count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE work_state = 'parked') AS parked,
       count(*) FILTER (WHERE work_state = 'running') AS running,
       count(*) FILTER (WHERE work_state = 'queued') AS queued,
       count(*) FILTER (WHERE work_state = 'planned') AS planned,
       coalesce(sum(rows) FILTER (WHERE work_state = 'done'), 0)::bigint AS rows
  FROM jobs
 WHERE run_id = $1
