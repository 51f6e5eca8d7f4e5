-- The last 7 days against the 7 before, by mall and shop. A mall that lacks a final day of the 14 is listed last, with what it
-- lacks instead of figures: half a week looks like half the visits.
WITH span AS (
    SELECT (now() AT TIME ZONE 'Asia/Seoul')::date - 14 AS first, (now() AT TIME ZONE 'Asia/Seoul')::date - 7 AS middle,
           (now() AT TIME ZONE 'Asia/Seoul')::date - 1 AS last
), store AS (
    SELECT mall_id, shop_no,
           sum(visits) FILTER (WHERE day >= middle) AS visits, sum(visits) FILTER (WHERE day < middle) AS visits_before,
           count(*) FILTER (WHERE is_final AND visits IS NOT NULL) AS days
      FROM analytics.daily_store, span
     WHERE day BETWEEN first AND last
     GROUP BY mall_id, shop_no
)
SELECT f.mall_id, f.shop_no,
       CASE WHEN days = 14 THEN visits END AS visits,
       CASE WHEN days = 14 THEN visits_before END AS visits_before,
       CASE WHEN days = 14 THEN round(100.0 * (visits - visits_before) / nullif(visits_before, 0), 1) END AS change_percent,
       14 - coalesce(days, 0) AS days_missing
  FROM analytics.freshness f
  LEFT JOIN store ON store.mall_id = f.mall_id AND store.shop_no = f.shop_no
 WHERE f.endpoint = 'visitors'
 ORDER BY coalesce(days, 0) < 14, f.mall_id, f.shop_no;
