-- endpoint_pauses.sql: the pauses that hold now, oldest first. $1 only those of this mall and of all malls; NULL: every one
-- parked: the jobs that would run without it; a job that also waits for its mall counts, too. Index jobs_parked.
-- Called by store/pauses.rs only.
SELECT p.pause_id, p.endpoint, p.mall_id, p.dialect, p.cause, p.reason, p.paused_by, p.since, p.until, p.probed_at,
       cardinality(p.probes)::bigint AS probes,
       (SELECT count(*) FROM jobs j
         WHERE j.work_state = 'parked' AND j.endpoint = p.endpoint
           AND j.mall_id = coalesce(p.mall_id, $1, j.mall_id)) AS parked
  FROM endpoint_pauses p
 WHERE p.ended_at IS NULL
   AND ($1::text IS NULL OR p.mall_id IS NULL OR p.mall_id = $1)
 ORDER BY p.pause_id
