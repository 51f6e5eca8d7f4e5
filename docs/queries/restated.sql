-- Final figures that Cafe24 changed and we saw in the last 31 days, by mall and figure: how many days, and by how much in all.
SELECT mall_id, shop_no, field,
       count(DISTINCT day) AS days,
       min(day) AS first_day,
       max(day) AS last_day,
       sum(moved) AS moved
  FROM analytics.restatements
 WHERE seen_at >= now() - interval '31 days'
   AND field <> 'rows'
 GROUP BY mall_id, shop_no, field
 ORDER BY mall_id, shop_no, field;
