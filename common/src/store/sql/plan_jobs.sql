-- plan_jobs.sql: the jobs for the slices still to fetch: one a chunk, from its first to its last missing period,
-- with the generation that the wish gets, and whether it will wait for its mall or its endpoint.
-- Reads plan_slices; index jobs_identity for the generation.
WITH candidate AS (
    SELECT mall_id, shop_no, limiter_key, endpoint, granularity,
           min(day) AS start_date,
           (max(day) + ('1 ' || granularity)::interval - interval '1 day')::date AS end_date,
           count(*) AS slices
      FROM plan_slices
     WHERE NOT complete AND NOT in_work
     GROUP BY mall_id, shop_no, limiter_key, endpoint, granularity, chunk_start
)
SELECT candidate.*,
       coalesce((SELECT max(j.generation) + 1
                   FROM jobs j
                  WHERE (j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date)
                      = (candidate.mall_id, candidate.shop_no, candidate.endpoint, candidate.granularity,
                         candidate.start_date, candidate.end_date)), 0) AS generation,
       barrier.what IS NOT NULL AS waits
  FROM candidate
  JOIN connectors c USING (mall_id)
  LEFT JOIN LATERAL waits_for(c, candidate.endpoint, '00000000-0000-0000-0000-000000000000') AS barrier ON true
 ORDER BY mall_id, shop_no, start_date, endpoint
