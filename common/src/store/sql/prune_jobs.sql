-- prune_jobs.sql: forgets jobs that ended well long ago; what they brought stands in slices, and how many they were in their run.
-- $1 ended more than this many seconds ago   $2 at most this many at once
-- Failed jobs stay as long as their letters, which name them (prune_letters.sql). Runs are locked in the order of their ids, since whoever reconciles by hand forgets,
-- too; whoever plans further jobs of one is not waited for. Index jobs_finished. Called by the reconciler.
WITH forgotten AS (
    DELETE FROM jobs
     WHERE job_id IN (
        SELECT job_id FROM jobs
         WHERE work_state IN ('done', 'cancelled') AND finished_at IS NOT NULL AND finished_at < now() - make_interval(secs => $1)
         LIMIT $2
           FOR UPDATE SKIP LOCKED)
    RETURNING run_id, work_state, rows
), summed AS (
    SELECT run_id, count(*) FILTER (WHERE work_state = 'done') AS done, count(*) FILTER (WHERE work_state = 'cancelled') AS cancelled,
           coalesce(sum(rows) FILTER (WHERE work_state = 'done'), 0)::bigint AS rows
      FROM forgotten
     GROUP BY run_id
), locked AS (
    SELECT r.run_id FROM runs r JOIN summed USING (run_id) ORDER BY r.run_id FOR NO KEY UPDATE OF r
)
UPDATE runs r
   SET forgotten_done = r.forgotten_done + summed.done,
       forgotten_cancelled = r.forgotten_cancelled + summed.cancelled,
       forgotten_rows = r.forgotten_rows + summed.rows
  FROM locked
  JOIN summed USING (run_id)
 WHERE r.run_id = locked.run_id
