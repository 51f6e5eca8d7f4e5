-- reconcile_stale.sql: jobs that the broker or a worker lost are planned again.
-- $1 queued since before this many seconds   $2 lanes whose queue holds fewer messages than the ledger believes
-- $3 running since before this many seconds  $4 workers that are alive (their claims are left to
-- them); NULL: unknown, so nobody counts as dead
-- $5 running for longer than this many seconds: planned again whoever has it; the fence keeps two fetches apart
-- Tells the feeder. Locks in job_id order. Called by store/reconcile.rs only.
WITH stale AS (
    SELECT job_id, work_state
      FROM jobs
     WHERE (work_state = 'queued' AND lane = ANY ($2) AND queued_at < now() - make_interval(secs => $1))
        OR (work_state = 'running'
            AND (claimed_at < now() - make_interval(secs => $3) AND NOT worker = ANY ($4)
                 OR claimed_at < now() - make_interval(secs => $5)))
     ORDER BY job_id
       FOR UPDATE SKIP LOCKED
), planned AS (
    UPDATE jobs
       SET work_state = 'planned', put_back_at = CASE stale.work_state WHEN 'running' THEN now() ELSE put_back_at END
      FROM stale
     WHERE jobs.job_id = stale.job_id
    RETURNING jobs.job_id, jobs.limiter_key, stale.work_state AS before
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM planned) AS keys
)
SELECT count(*) FILTER (WHERE before = 'queued') AS queued, count(*) FILTER (WHERE before = 'running') AS running,
       (SELECT count(*) FROM told) AS told
  FROM planned
