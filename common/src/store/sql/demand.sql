-- demand.sql: what limiter keys have to serve until the last job of a scope is over: what its ETA comes from.
-- The scope: live jobs of a run ($1), a mall ($2), an agency ($3), limiter keys ($4); all NULL: every live job.
-- $5 dialect[] $6 new rows of a page[]: where answers come in pages (expected_requests); equal lengths
-- Inside a key jobs go fresh before backfill and by their turn (feed_next.sql), so what goes before the scope's last job is
-- known: the jobs of lower turns, and what is with the broker and the workers already. Kinds of jobs are counted first, so that
-- their pages are looked up once. Indexes jobs_run, jobs_live, jobs_first_tries, jobs_retries, jobs_window; of everything it is one
-- scan of the live jobs. Called by store/demand.rs only.
WITH mine AS (
    SELECT j.limiter_key, max(j.turn) FILTER (WHERE j.lane = 'fresh') AS fresh_turn,
           max(j.turn) FILTER (WHERE j.lane = 'backfill') AS backfill_turn
      FROM jobs j
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND ($1::uuid IS NULL OR j.run_id = $1)
       AND ($2::text IS NULL OR j.mall_id = $2)
       AND ($3::text IS NULL OR j.mall_id IN (SELECT c.mall_id FROM connectors c WHERE c.agency_id = $3))
       AND ($4::text[] IS NULL OR j.limiter_key = ANY ($4))
     GROUP BY j.limiter_key
), kinds AS (
    SELECT j.limiter_key, j.mall_id, j.shop_no, j.endpoint, j.granularity, j.end_date - j.start_date + 1 AS days, j.lane,
           j.work_state <> 'planned' AS is_out,
           j.work_state = 'planned' AND j.not_before > now() AS later,
           ($1::uuid IS NULL OR j.run_id = $1) AND ($2::text IS NULL OR j.mall_id = $2)
           AND ($3::text IS NULL OR c.agency_id = $3) AS own,
           p.page_rows, count(*) AS jobs, min(j.not_before) AS first_time, max(j.not_before) AS last_time
      FROM mine m
      JOIN jobs j USING (limiter_key)
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN unnest($5::text[], $6::int[]) AS p (dialect, page_rows) ON p.dialect = c.dialect AND j.granularity = 'day'
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND (j.work_state <> 'planned'
            OR (j.lane = 'fresh' AND (m.backfill_turn IS NOT NULL OR j.turn <= m.fresh_turn))
            OR (j.lane = 'backfill' AND j.turn <= m.backfill_turn))
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), priced AS (
    SELECT kinds.*,
           jobs * CASE WHEN page_rows IS NULL THEN 1
                       ELSE expected_requests(mall_id, shop_no, endpoint, days, page_rows) END AS requests
      FROM kinds
)
SELECT limiter_key,
       coalesce(sum(jobs) FILTER (WHERE own), 0)::bigint AS jobs,
       coalesce(sum(requests) FILTER (WHERE own), 0) AS own,
       coalesce(sum(requests) FILTER (WHERE lane = 'fresh'), 0) AS fresh,
       coalesce(sum(requests) FILTER (WHERE lane = 'backfill'), 0) AS backfill,
       coalesce(sum(requests) FILTER (WHERE lane = 'backfill' AND is_out), 0) AS backfill_out,
       coalesce(sum(requests) FILTER (WHERE own AND later), 0) AS later,
       min(first_time) FILTER (WHERE own AND later) AS first_later,
       max(last_time) FILTER (WHERE own AND later) AS last_later
  FROM priced
 GROUP BY limiter_key
 ORDER BY limiter_key
