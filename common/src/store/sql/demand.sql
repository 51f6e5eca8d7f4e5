-- demand.sql: what limiter keys have to serve until the last job of a scope is over: what its ETA comes from.
-- The scope: live jobs of a run ($1), a mall ($2), an agency ($3), limiter keys ($4); all NULL: every live job.
-- $5 dialect[] $6 new rows of a page[]: where answers come in pages (recent_pages); equal lengths
-- Inside a key jobs go fresh before backfill and by their turn (feed_next.sql), so what goes before the scope's last job is
-- known: the jobs of lower turns, and what is with the broker and the workers already. Kinds of jobs are counted first, and
-- the pages of a series are looked up once. Malls are joined to kinds, not to jobs, of which there may be millions. Indexes jobs_run, jobs_live,
-- jobs_first_tries, jobs_retries, jobs_window; of everything it is one scan of the live jobs. Called by store/demand.rs only.
WITH mine AS (
    SELECT j.limiter_key, max(j.turn) FILTER (WHERE j.lane = 'fresh') AS fresh_turn,
           max(j.turn) FILTER (WHERE j.lane = 'backfill') AS backfill_turn
      FROM jobs j
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND num_nonnulls($1::uuid, $2::text, $3::text, $4::text[]) > 0
       AND ($1::uuid IS NULL OR j.run_id = $1)
       AND ($2::text IS NULL OR j.mall_id = $2)
       AND ($3::text IS NULL OR j.mall_id IN (SELECT c.mall_id FROM connectors c WHERE c.agency_id = $3))
       AND ($4::text[] IS NULL OR j.limiter_key = ANY ($4))
     GROUP BY j.limiter_key
), before AS (
    SELECT j.*
      FROM mine m
      JOIN jobs j USING (limiter_key)
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND (j.work_state <> 'planned'
            OR (j.lane = 'fresh' AND (m.backfill_turn IS NOT NULL OR j.turn <= m.fresh_turn))
            OR (j.lane = 'backfill' AND j.turn <= m.backfill_turn))
    UNION ALL
    SELECT j.*
      FROM jobs j
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND num_nonnulls($1::uuid, $2::text, $3::text, $4::text[]) = 0
), counted AS (
    SELECT limiter_key, mall_id, shop_no, endpoint, granularity, end_date - start_date + 1 AS days, lane,
           work_state <> 'planned' AS is_out,
           work_state = 'planned' AND not_before > now() AS later,
           $1::uuid IS NULL OR run_id = $1 AS of_run,
           count(*) AS jobs, min(not_before) AS first_time, max(not_before) AS last_time
      FROM before
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), kinds AS (
    SELECT counted.*, p.page_rows,
           of_run AND ($2::text IS NULL OR mall_id = $2) AND ($3::text IS NULL OR c.agency_id = $3) AS own
      FROM counted
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN unnest($5::text[], $6::int[]) AS p (dialect, page_rows) ON p.dialect = c.dialect AND granularity = 'day'
), series AS (
    SELECT s.*, recent.*
      FROM (SELECT DISTINCT mall_id, shop_no, endpoint, page_rows FROM kinds WHERE page_rows IS NOT NULL) AS s
     CROSS JOIN LATERAL recent_pages(s.mall_id, s.shop_no, s.endpoint, s.page_rows) AS recent
), priced AS (
    SELECT kinds.*,
           jobs * CASE WHEN series.page_rows IS NULL THEN 1
                       WHEN days = 1 THEN pages_of_a_day
                       ELSE greatest(1, ceil(rows_of_a_day * days / series.page_rows)) END AS requests
      FROM kinds
      LEFT JOIN series USING (mall_id, shop_no, endpoint, page_rows)
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
