-- schedule_states.sql: how each schedule fares in a scope.
-- $1 mall_id, or NULL $2 agency_id, or NULL; both NULL: of all malls   $3 now
-- Due times that something changed are worked out anew at the next pass: until then nobody knows them.
-- Where nothing has ticked since a mall came, last_at is when it came: that is no tick.
-- The newest run of each is looked up beside it, and of its jobs those of the scope: all malls of a beat share a run.
-- Of jobs that are forgotten (prune_jobs.sql, prune_letters.sql) their run knows how many they were, not whose: they count for all malls alone.
-- Index jobs_run.
SELECT t.*, run.run_id, coalesce(run.jobs + forgotten.jobs, 0) AS jobs, coalesce(run.ended + forgotten.jobs, 0) AS ended
  FROM (
    SELECT t.schedule,
           count(t.next_at) AS waiting,
           count(*) FILTER (WHERE t.next_at <= $3 AND isfinite(t.next_at)) AS due,
           count(*) FILTER (WHERE NOT isfinite(t.next_at)) AS anew,
           min(t.next_at) FILTER (WHERE isfinite(t.next_at)) AS next_at,
           max(t.last_at) FILTER (WHERE t.run_id IS NOT NULL OR t.last_at > c.created_at) AS last_at
      FROM schedule_ticks t
      JOIN connectors c USING (mall_id)
     WHERE ($1::text IS NULL OR c.mall_id = $1) AND ($2::text IS NULL OR c.agency_id = $2)
     GROUP BY t.schedule) AS t
  LEFT JOIN LATERAL (
    SELECT newest.run_id, count(j.job_id) AS jobs, count(j.job_id) FILTER (WHERE j.finished_at IS NOT NULL) AS ended
      FROM (SELECT k.run_id
              FROM schedule_ticks k
              JOIN connectors c USING (mall_id)
             WHERE k.schedule = t.schedule AND k.run_id IS NOT NULL
               AND ($1::text IS NULL OR c.mall_id = $1) AND ($2::text IS NULL OR c.agency_id = $2)
             ORDER BY k.last_at DESC NULLS LAST
             LIMIT 1) AS newest
      LEFT JOIN jobs j
        ON j.run_id = newest.run_id
       AND ($1::text IS NULL OR j.mall_id = $1)
       AND ($2::text IS NULL OR j.mall_id IN (SELECT m.mall_id FROM connectors m WHERE m.agency_id = $2))
     GROUP BY newest.run_id) AS run ON true
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.forgotten_done + r.forgotten_failed + r.forgotten_cancelled), 0)::bigint AS jobs
      FROM runs r
     WHERE r.run_id = run.run_id AND $1::text IS NULL AND $2::text IS NULL) AS forgotten
