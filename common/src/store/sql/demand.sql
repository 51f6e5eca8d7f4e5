-- demand.sql: what limiter keys have to serve until the last job of a scope is over, by lane and state: what its ETA comes from.
-- The scopes: live jobs of runs ($1: one scope each), a mall ($2), an agency ($3), limiter keys ($4); all NULL: every live job.
-- $5 dialect[] $6 endpoint[] $7 new rows of a page[]: where an answer may have several pages (recent_pages); equal lengths
-- Inside a key jobs go fresh before backfill and by their turn (feed_next.sql), so what goes before a scope's last job is
-- known: the jobs of lower turns, and what is with the broker and the workers already. Jobs are counted by kind, and by the first
-- last turn of a scope that is not before them (upto), so that one look at a key's jobs serves any number of runs.
-- Lane by lane of each key, which OFFSET 0 sees to: what the planner would otherwise make of millions of jobs is one sort of them,
-- on disk. What does not differ within a lane is not grouped by: each column more is a tenth of a second for two million jobs.
-- The pages of a series are looked up once. Indexes jobs_run, jobs_live, connectors_agency; jobs_first_tries, jobs_retries,
-- jobs_window. Called by store/demand.rs only.
WITH RECURSIVE planned AS (
    -- Every key with planned jobs, by a loose scan (feed_keys.sql).
    SELECT least((SELECT min(limiter_key) FROM jobs WHERE work_state = 'planned' AND attempts = 0),
                 (SELECT min(limiter_key) FROM jobs WHERE work_state = 'planned' AND attempts > 0)) AS limiter_key
     WHERE num_nonnulls($1::uuid[], $2::text, $3::text, $4::text[]) = 0
    UNION ALL
    SELECT least((SELECT j.limiter_key FROM jobs j
                   WHERE j.work_state = 'planned' AND j.attempts = 0 AND j.limiter_key > planned.limiter_key
                   ORDER BY j.limiter_key LIMIT 1),
                 (SELECT j.limiter_key FROM jobs j
                   WHERE j.work_state = 'planned' AND j.attempts > 0 AND j.limiter_key > planned.limiter_key
                   ORDER BY j.limiter_key LIMIT 1))
      FROM planned
     WHERE planned.limiter_key IS NOT NULL
), asked AS (
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
            SELECT limiter_key FROM planned WHERE limiter_key IS NOT NULL
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
), counted AS (
    SELECT keys.limiter_key, l.lane, kind.*, CASE WHEN kind.later THEN 'waiting' ELSE 'planned' END AS state
      FROM keys
     CROSS JOIN LATERAL (VALUES ('fresh', keys.last_fresh, keys.fresh), ('backfill', keys.last_backfill, keys.backfill)) AS l (lane, last, turns)
     CROSS JOIN LATERAL (
        SELECT f.mall_id, f.shop_no, f.endpoint, f.granularity, f.end_date - f.start_date + 1 AS days,
               CASE WHEN f.run_id = ANY ($1) THEN f.run_id END AS run_id,
               f.not_before > now() AS later,
               CASE WHEN f.turn <= l.turns[1] THEN l.turns[1] ELSE l.turns[1 + width_bucket(f.turn - 1, l.turns)] END AS upto,
               count(*) AS jobs, min(f.requested_at) AS oldest, min(f.not_before) AS first_at, max(f.not_before) AS last_at
          FROM jobs f
         WHERE f.limiter_key = keys.limiter_key AND f.lane = l.lane AND f.turn <= l.last AND f.work_state = 'planned' AND f.attempts = 0
         GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
         UNION ALL
        SELECT r.mall_id, r.shop_no, r.endpoint, r.granularity, r.end_date - r.start_date + 1,
               CASE WHEN r.run_id = ANY ($1) THEN r.run_id END,
               r.not_before > now(),
               CASE WHEN r.turn <= l.turns[1] THEN l.turns[1] ELSE l.turns[1 + width_bucket(r.turn - 1, l.turns)] END,
               count(*), min(r.requested_at), min(r.not_before), max(r.not_before)
          FROM jobs r
         WHERE r.limiter_key = keys.limiter_key AND r.lane = l.lane AND r.turn <= l.last AND r.work_state = 'planned' AND r.attempts > 0
         GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        OFFSET 0) AS kind
     UNION ALL
    SELECT o.limiter_key, o.lane, o.mall_id, o.shop_no, o.endpoint, o.granularity, o.end_date - o.start_date + 1 AS days,
           CASE WHEN o.run_id = ANY ($1) THEN o.run_id END, NULL, NULL, count(*), min(o.requested_at), NULL, NULL, o.work_state
      FROM keys
      JOIN jobs o USING (limiter_key)
     WHERE o.work_state IN ('queued', 'running')
     GROUP BY o.limiter_key, o.lane, o.mall_id, o.shop_no, o.endpoint, o.granularity, days, 8, o.work_state
), kinds AS (
    SELECT counted.*, c.agency_id, p.page_rows
      FROM counted
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN unnest($5::text[], $6::text[], $7::int[]) AS p (dialect, endpoint, page_rows)
        ON p.dialect = c.dialect AND p.endpoint = counted.endpoint AND granularity = 'day'
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
), before AS (
    SELECT asked.run_id AS scope, p.*,
           ($1::uuid[] IS NULL OR asked.run_id = p.run_id) AND ($2::text IS NULL OR mall_id = $2) AND ($3::text IS NULL OR agency_id = $3) AS own
      FROM asked
      JOIN priced p USING (limiter_key)
     WHERE state IN ('queued', 'running')
        OR (lane = 'fresh' AND (backfill_turn IS NOT NULL OR upto <= fresh_turn))
        OR (lane = 'backfill' AND upto <= backfill_turn)
)
SELECT scope AS run_id, limiter_key, lane, state,
       coalesce(sum(jobs) FILTER (WHERE own), 0)::bigint AS jobs,
       coalesce(sum(requests) FILTER (WHERE own), 0) AS own,
       sum(requests) AS requests,
       min(oldest) FILTER (WHERE own) AS oldest,
       min(first_at) FILTER (WHERE own AND state = 'waiting') AS first_later,
       max(last_at) FILTER (WHERE own AND state = 'waiting') AS last_later
  FROM before
 GROUP BY scope, limiter_key, lane, state
 ORDER BY scope, limiter_key, lane, state
