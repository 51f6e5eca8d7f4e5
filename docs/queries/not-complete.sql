-- Malls that are not complete through yesterday, by the endpoint that keeps them from it, and why: ask before you trust a total.
SELECT mall_id, shop_no, endpoint, status, complete_through, gap_days, reason
  FROM analytics.freshness
 WHERE complete_through IS DISTINCT FROM (now() AT TIME ZONE 'Asia/Seoul')::date - 1
    OR gap_days > 0
 ORDER BY mall_id, shop_no, endpoint;
