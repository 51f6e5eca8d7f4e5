-- plan_jobs.sql: the jobs for the slices still to fetch: one a chunk, from its first to its last missing period,
-- with the generation that the wish gets, and whether it will wait for its mall or its endpoint.
-- requests: how many it will take, where an answer may have several pages: $1 dialect[] $2 endpoint[] $3 new rows of each page[]; equal
-- lengths.
-- Reads plan_slices; index jobs_identity for the generation.
WITH candidate AS (
    SELECT mall_id, shop_no, limiter_key, endpoint, granularity,
           min(day) AS start_date,
           (max(day) + ('1 ' || granularity)::interval - interval '1 day')::date AS end_date,
           count(*) AS slices
      FROM plan_slices
     WHERE NOT complete AND NOT in_work AND NOT failed
     GROUP BY mall_id, shop_no, limiter_key, endpoint, granularity, chunk_start
), paged AS (
    SELECT series.*, recent.*
      FROM (SELECT DISTINCT mall_id, shop_no, endpoint, p.page_rows
              FROM candidate
              JOIN connectors USING (mall_id)
              JOIN unnest($1::text[], $2::text[], $3::int[]) AS p (dialect, endpoint, page_rows) USING (dialect, endpoint)
             WHERE granularity = 'day') AS series
     CROSS JOIN LATERAL recent_pages(series.mall_id, series.shop_no, series.endpoint, series.page_rows) AS recent
)
SELECT candidate.*,
       CASE WHEN paged.page_rows IS NULL THEN 1
            WHEN candidate.start_date = candidate.end_date THEN paged.pages_of_a_day
            ELSE greatest(1, ceil(paged.rows_of_a_day * (candidate.end_date - candidate.start_date + 1) / paged.page_rows))
       END AS requests,
       coalesce((SELECT max(j.generation) + 1
                   FROM jobs j
                  WHERE (j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date)
                      = (candidate.mall_id, candidate.shop_no, candidate.endpoint, candidate.granularity,
                         candidate.start_date, candidate.end_date)), 0) AS generation,
       barrier.what IS NOT NULL AS waits
  FROM candidate
  JOIN connectors c USING (mall_id)
  LEFT JOIN paged ON (paged.mall_id, paged.shop_no, paged.endpoint) = (candidate.mall_id, candidate.shop_no, candidate.endpoint)
                 AND candidate.granularity = 'day'
  LEFT JOIN LATERAL waits_for(c, candidate.endpoint, '00000000-0000-0000-0000-000000000000') AS barrier ON true
 ORDER BY candidate.mall_id, candidate.shop_no, candidate.start_date, candidate.endpoint
