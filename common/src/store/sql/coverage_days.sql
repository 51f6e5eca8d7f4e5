-- coverage_days.sql: the wanted days of malls, one row a shop and endpoint, one letter a day: the first of the state's
-- word, for a day that is not over t (today, partial) or n (not yet); in jobs y or n; due_gaps as coverage_counts.sql has them. $1 mall_id[] $2 endpoint[] (empty: all) $3 first day $4 last day
-- View slice_coverage, asked mall by mall: an equality reaches the indexes of every table under it, a list does not.
-- OFFSET 0 keeps that so. Called by store/coverage.rs only.
SELECT m.mall_id, days.*
  FROM unnest($1::text[]) AS m (mall_id)
 CROSS JOIN LATERAL (
    SELECT shop_no, endpoint, min(date) AS first,
           count(*) FILTER (WHERE date <= due_day AND NOT excused AND data_state IN ('missing', 'partial')) AS due_gaps,
           string_agg(CASE WHEN date = today AND data_state = 'partial' THEN 't'
                           WHEN date = today AND data_state = 'missing' THEN 'n'
                           ELSE left(data_state, 1) END, '' ORDER BY date) AS data,
           string_agg(left(work_state, 1), '' ORDER BY date) AS work,
           string_agg(CASE WHEN in_job THEN 'y' ELSE 'n' END, '' ORDER BY date) AS jobs
      FROM slice_coverage, freshness_clock
     WHERE mall_id = m.mall_id AND date BETWEEN $3 AND $4 AND ($2::text[] = '{}' OR endpoint = ANY ($2))
     GROUP BY shop_no, endpoint
    OFFSET 0) AS days
 ORDER BY m.mall_id, days.shop_no, days.endpoint
