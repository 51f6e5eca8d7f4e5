-- mall_coverage.sql: what is there of a mall, by shop and endpoint, in days. $1 mall_id
-- View series_freshness: the gaps are those that malls list adds up. Called by store/mall.rs only.
SELECT shop_no, endpoint, wanted_from, complete_through, gap_days::bigint AS gaps, today_state
  FROM series_freshness
 WHERE mall_id = $1
 ORDER BY shop_no, endpoint
