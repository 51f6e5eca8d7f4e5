-- demand.sql: what limiter keys have to serve until the last job of a scope is over: what its ETA comes from.
-- The scopes: live jobs of runs ($1: one scope each), a mall ($2), an agency ($3), limiter keys ($4); all NULL: every live job.
-- $5 dialect[] $6 new rows of a page[]: where answers come in pages (recent_pages); equal lengths
-- Inside a key jobs go fresh before backfill and by their turn (feed_next.sql), so what goes before a scope's last job is
-- known: the jobs of lower turns, and what is with the broker and the workers already. Jobs are counted by kind, and by the first
-- last turn of a scope that is not before them (upto), so that one look at a key's jobs serves any number of runs.
-- Key by key, which OFFSET 0 sees to: what the planner would otherwise make of millions of jobs is one sort of them, on disk.
-- The pages of a series are looked up once. Indexes jobs_run, jobs_live, connectors_agency; jobs_first_tries, jobs_retries,
-- jobs_window. Called by store/demand.rs only.
WITH asked AS (
    SELECT CASE WHEN $1::uuid[] IS NOT NULL THEN j.run_id END AS run_id, j.limiter_key,
           max(j.turn) FILTER (WHERE j.lane = 'fresh') AS fresh_turn, max(j.turn) FILTER (WHERE j.lane = 'backfill') AS backfill_turn
      FROM jobs j
     WHERE j.work_state IN ('planned', 'queued', 'running')
       AND num_nonnulls($1::uuid[], $2::text, $3::text) > 0
       AND ($1::uuid[] IS NULL OR j.run_id = ANY ($1))
       AND ($2::text IS NULL OR j.mall_id = $2)
       AND ($3::text IS NULL OR j.mall_id IN (SELECT c.mall_id FROM connectors c WHERE c.agency_id = $3))
     GROUP BY 1, 2
     UNION ALL
    -- All there is of a key. A running job may be of one that its mall has no more.
    SELECT NULL, k.limiter_key, 9223372036854775807, 9223372036854775807
      FROM (SELECT unnest($4::text[]) AS limiter_key
             UNION
            SELECT limiter_key FROM connectors WHERE num_nonnulls($1::uuid[], $2::text, $3::text, $4::text[]) = 0
             UNION
            SELECT limiter_key FROM jobs
             WHERE work_state IN ('queued', 'running') AND num_nonnulls($1::uuid[], $2::text, $3::text, $4::text[]) = 0) AS k
), keys AS (
    SELECT limiter_key,
           coalesce(array_agg(DISTINCT fresh_turn ORDER BY fresh_turn) FILTER (WHERE fresh_turn IS NOT NULL), '{}') AS fresh,
           coalesce(array_agg(DISTINCT backfill_turn ORDER BY backfill_turn) FILTER (WHERE backfill_turn IS NOT NULL), '{}') AS backfill,
           -- Before a backfill job goes whatever is fresh.
           CASE WHEN count(backfill_turn) > 0 THEN 9223372036854775807 ELSE max(fresh_turn) END AS last_fresh,
           max(backfill_turn) AS last_backfill
      FROM asked
     GROUP BY limiter_key
), kinds AS (
    SELECT keys.limiter_key, counted.*, c.agency_id, p.page_rows
      FROM keys
     CROSS JOIN LATERAL (
        SELECT mall_id, shop_no, endpoint, granularity, end_date - start_date + 1 AS days,
               CASE WHEN run_id = ANY ($1) THEN run_id END AS run_id, lane, is_out, turns[1 + width_bucket(turn - 1, turns)] AS upto,
               count(*) AS jobs, count(*) FILTER (WHERE not_before > now()) AS later,
               min(not_before) FILTER (WHERE not_before > now()) AS first_later, max(not_before) FILTER (WHERE not_before > now()) AS last_later
          FROM (
            SELECT f.mall_id, f.shop_no, f.endpoint, f.granularity, f.start_date, f.end_date, f.run_id, f.lane, f.turn, f.not_before,
                   l.turns, false AS is_out
              FROM (VALUES ('fresh', keys.last_fresh, keys.fresh), ('backfill', keys.last_backfill, keys.backfill)) AS l (lane, last, turns)
              JOIN jobs f ON f.lane = l.lane AND f.turn <= l.last
             WHERE f.limiter_key = keys.limiter_key AND f.work_state = 'planned' AND f.attempts = 0
             UNION ALL
            SELECT r.mall_id, r.shop_no, r.endpoint, r.granularity, r.start_date, r.end_date, r.run_id, r.lane, r.turn, r.not_before,
                   l.turns, false
              FROM (VALUES ('fresh', keys.last_fresh, keys.fresh), ('backfill', keys.last_backfill, keys.backfill)) AS l (lane, last, turns)
              JOIN jobs r ON r.lane = l.lane AND r.turn <= l.last
             WHERE r.limiter_key = keys.limiter_key AND r.work_state = 'planned' AND r.attempts > 0
             UNION ALL
            SELECT o.mall_id, o.shop_no, o.endpoint, o.granularity, o.start_date, o.end_date, o.run_id, o.lane, o.turn, NULL, '{}', true
              FROM jobs o
             WHERE o.limiter_key = keys.limiter_key AND o.work_state IN ('queued', 'running')) AS j
         GROUP BY mall_id, shop_no, endpoint, granularity, days, 6, lane, is_out, upto
        OFFSET 0) AS counted
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN unnest($5::text[], $6::int[]) AS p (dialect, page_rows) ON p.dialect = c.dialect AND granularity = 'day'
), series AS (
    SELECT s.*, recent.*
      FROM (SELECT DISTINCT mall_id, shop_no, endpoint, page_rows FROM kinds WHERE page_rows IS NOT NULL) AS s
     CROSS JOIN LATERAL recent_pages(s.mall_id, s.shop_no, s.endpoint, s.page_rows) AS recent
), priced AS (
    SELECT kinds.*,
           CASE WHEN series.page_rows IS NULL THEN 1
                WHEN days = 1 THEN pages_of_a_day
                ELSE greatest(1, ceil(rows_of_a_day * days / series.page_rows)) END AS requests
      FROM kinds
      LEFT JOIN series USING (mall_id, shop_no, endpoint, page_rows)
), before AS (
    SELECT asked.run_id AS scope, p.*,
           ($1::uuid[] IS NULL OR asked.run_id = p.run_id) AND ($2::text IS NULL OR mall_id = $2) AND ($3::text IS NULL OR agency_id = $3) AS own
      FROM asked
      JOIN priced p USING (limiter_key)
     WHERE is_out
        OR (lane = 'fresh' AND (backfill_turn IS NOT NULL OR upto <= fresh_turn))
        OR (lane = 'backfill' AND upto <= backfill_turn)
)
SELECT scope AS run_id, limiter_key,
       coalesce(sum(jobs) FILTER (WHERE own), 0)::bigint AS jobs,
       coalesce(sum(jobs * requests) FILTER (WHERE own), 0) AS own,
       coalesce(sum(jobs * requests) FILTER (WHERE lane = 'fresh'), 0) AS fresh,
       coalesce(sum(jobs * requests) FILTER (WHERE lane = 'backfill'), 0) AS backfill,
       coalesce(sum(jobs * requests) FILTER (WHERE lane = 'backfill' AND is_out), 0) AS backfill_out,
       coalesce(sum(later * requests) FILTER (WHERE own), 0) AS later,
       min(first_later) FILTER (WHERE own) AS first_later,
       max(last_later) FILTER (WHERE own) AS last_later
  FROM before
 GROUP BY scope, limiter_key
 ORDER BY scope, limiter_key
