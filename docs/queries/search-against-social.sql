-- Visits that came from search against those from social media, by week (from Monday), over the last 8 whole weeks. days_final
-- says how many final days of how many malls are in it: compare weeks only where it is the same.
WITH days AS (
    SELECT mall_id, shop_no, day,
           sum(visits) FILTER (WHERE domain_group = 'search') AS search,
           sum(visits) FILTER (WHERE domain_group = 'social') AS social,
           sum(visits) FILTER (WHERE is_direct) AS direct,
           sum(visits) AS all_visits
      FROM analytics.daily_domains
     WHERE day >= date_trunc('week', (now() AT TIME ZONE 'Asia/Seoul') - interval '8 weeks')::date
       AND day < date_trunc('week', now() AT TIME ZONE 'Asia/Seoul')::date
       AND is_final
     GROUP BY mall_id, shop_no, day
)
SELECT date_trunc('week', day::timestamp)::date AS week,
       coalesce(sum(search), 0) AS search,
       coalesce(sum(social), 0) AS social,
       coalesce(sum(direct), 0) AS direct,
       sum(all_visits) AS all_visits,
       count(*) AS days_final
  FROM days
 GROUP BY week
 ORDER BY week;
