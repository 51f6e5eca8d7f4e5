-- prune_jobs.sql: forgets jobs that ended well long ago; what they brought stands in slices.
-- $1 ended more than this many seconds ago   $2 at most this many at once
-- Failed jobs stay: their letters name them. Index jobs_finished. Called by the reconciler.
DELETE FROM jobs
 WHERE job_id IN (
    SELECT job_id FROM jobs
     WHERE work_state IN ('done', 'cancelled') AND finished_at IS NOT NULL AND finished_at < now() - make_interval(secs => $1)
     LIMIT $2
       FOR UPDATE SKIP LOCKED)
