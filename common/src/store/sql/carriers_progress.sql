-- carriers_progress.sql: how far jobs are that bring what another run wished for too. $1 job_id[] $2 that run: a job of its own is
-- not counted twice. unsettled: those that may still change; who asks again asks for these alone. Index jobs_pkey.
SELECT count(*) AS jobs,
       count(*) FILTER (WHERE work_state = 'done') AS done,
       count(*) FILTER (WHERE work_state = 'failed') AS failed,
       count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE work_state = 'parked') AS parked,
       count(*) FILTER (WHERE work_state = 'running') AS running,
       count(*) FILTER (WHERE work_state = 'queued') AS queued,
       count(*) FILTER (WHERE work_state = 'planned') AS planned,
       coalesce(sum(rows) FILTER (WHERE work_state = 'done'), 0)::bigint AS rows,
       coalesce(array_agg(job_id) FILTER (WHERE work_state NOT IN ('done', 'failed', 'cancelled')), '{}') AS unsettled
  FROM jobs
 WHERE job_id = ANY ($1) AND run_id <> $2
