-- delete_empty.sql: a row of a changed slice that no endpoint has a figure for any more goes.
-- {table} is filled in by store/metrics.rs. $1 mall_id[] $2 shop_no[] $3 date[]: the changed slices   $4 entity_type
-- The rows were locked in key order by clear_vanished.sql in the same transaction.
DELETE FROM {table} m
 USING unnest($1::text[], $2::int[], $3::date[]) AS s (mall_id, shop_no, date)
 WHERE m.mall_id = s.mall_id AND m.shop_no = s.shop_no AND m.date = s.date AND m.entity_type = $4
   AND m.impressions IS NULL AND m.clicks IS NULL AND m.conversions IS NULL AND m.conversion_value IS NULL
   AND m.extra IS NULL
