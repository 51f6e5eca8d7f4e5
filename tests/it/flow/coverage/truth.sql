-- truth.sql: series whose freshness differs from what counting their slices one by one comes to. Nothing of the kept rows is
-- read here, and no letter; it is one statement, so that it has one snapshot while others write.
WITH day AS (
    SELECT w.mall_id, w.shop_no, w.endpoint, w.wanted_from, clock.today, clock.yesterday, d::date AS day,
           coalesce(s.data_state, 'missing') AS state
      FROM wanted_series w
     CROSS JOIN freshness_clock AS clock
      LEFT JOIN LATERAL generate_series(w.wanted_from::timestamp, clock.today::timestamp, interval '1 day') AS d ON true
      LEFT JOIN slices s
        ON s.mall_id = w.mall_id AND s.shop_no = w.shop_no AND s.endpoint = w.endpoint AND s.granularity = 'day' AND s.date = d::date
), edge AS (
    SELECT mall_id, shop_no, endpoint, max(day) FILTER (WHERE state IN ('complete', 'restated')) AS complete_through
      FROM day
     GROUP BY mall_id, shop_no, endpoint
), counted AS (
    SELECT mall_id, shop_no, endpoint, wanted_from, complete_through,
           (count(*) FILTER (WHERE day <= yesterday AND state IN ('missing', 'partial')))::integer AS gap_days,
           max(day) FILTER (WHERE day < complete_through AND state IN ('missing', 'partial')) AS hole,
           max(CASE state WHEN 'partial' THEN 'today_partial' WHEN 'missing' THEN 'not_yet' ELSE 'complete' END) FILTER (WHERE day = today) AS today_state
      FROM day
      JOIN edge USING (mall_id, shop_no, endpoint)
     GROUP BY mall_id, shop_no, endpoint, wanted_from, complete_through
), truth AS (
    SELECT mall_id, shop_no, endpoint, complete_through, gap_days, today_state,
           CASE WHEN complete_through IS NULL THEN NULL WHEN gap_days = 0 THEN wanted_from ELSE coalesce(hole + 1, wanted_from) END AS complete_since,
           (SELECT max(fetched_at) FROM slices s
             WHERE s.mall_id = c.mall_id AND s.shop_no = c.shop_no AND s.endpoint = c.endpoint AND s.granularity = 'day') AS last_success_at
      FROM counted c
)
SELECT concat_ws(' ', mall_id, shop_no, endpoint, 'is', (t.complete_since, t.complete_through, t.gap_days, t.today_state, t.last_success_at),
                 'and not', (f.complete_since, f.complete_through, f.gap_days, f.today_state, f.last_success_at))
  FROM truth t
  FULL JOIN series_freshness f USING (mall_id, shop_no, endpoint)
 WHERE (t.complete_since, t.complete_through, t.gap_days, t.today_state, t.last_success_at)
       IS DISTINCT FROM (f.complete_since, f.complete_through, f.gap_days, f.today_state, f.last_success_at)
