-- mall_coverage.sql: the edges of what a mall has, by shop and endpoint, in days. $1 mall_id
-- gaps: days without a complete slice between the first fetched and the last complete one. Index slices_pkey.
-- Called by store/mall.rs only.
SELECT shop_no, endpoint, min(date) AS first, max(date) FILTER (WHERE data_state <> 'partial') AS complete_through,
       coalesce(max(date) FILTER (WHERE data_state <> 'partial') - min(date) + 1
                - count(*) FILTER (WHERE data_state <> 'partial'), 0)::bigint AS gaps
  FROM slices
 WHERE mall_id = $1 AND granularity = 'day'
 GROUP BY shop_no, endpoint
 ORDER BY shop_no, endpoint
