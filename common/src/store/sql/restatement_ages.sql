-- restatement_ages.sql: how far figures moved after 1, 2, 3 and 7 days, by endpoint and figure, of some malls and days.
-- $1 mall_id[] (empty: all) $2 agency_id (NULL: any) $3 endpoint[] (empty: all) $4 first day $5 last day
-- The view restatement_ages with a choice of malls: both add up slice_moves. Called by store/coverage/moves.rs only.
SELECT endpoint, field, after_days, count(*) AS slices, count(*) FILTER (WHERE changed) AS changed,
       avg(abs(relative))::float8 AS mean_move, max(abs(relative))::float8 AS max_move,
       (sum(present) / nullif(sum(known), 0) - 1)::float8 AS total_move
  FROM slice_moves
 WHERE ($1::text[] = '{}' OR mall_id = ANY ($1))
   AND ($2::text IS NULL OR mall_id IN (SELECT mall_id FROM connectors WHERE agency_id = $2))
   AND ($3::text[] = '{}' OR endpoint = ANY ($3))
   AND date BETWEEN $4 AND $5
 GROUP BY endpoint, field, after_days
 ORDER BY endpoint, field, after_days
