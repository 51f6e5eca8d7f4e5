-- upsert_metrics.sql: writes the rows of changed slices of one endpoint. {table} and {set}, {differs} are filled in by
-- store/metrics.rs from the endpoint's own columns: no other column is touched.
-- $1 mall_id[] $2 shop_no[] $3 date[] $4 entity_id[] $5 impressions[] $6 clicks[] $7 conversions[] $8 conversion_value[];
-- equal lengths, no key twice   $9 entity_type
-- Locks in primary-key order so that two batches cannot deadlock. An equal row is not written.
INSERT INTO {table} AS m (mall_id, shop_no, date, entity_type, entity_id, impressions, clicks, conversions, conversion_value)
SELECT mall_id, shop_no, date, $9, entity_id, impressions, clicks, conversions, conversion_value
  FROM unnest($1::text[], $2::int[], $3::date[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::numeric[])
       AS b (mall_id, shop_no, date, entity_id, impressions, clicks, conversions, conversion_value)
 ORDER BY mall_id, shop_no, date, entity_id
ON CONFLICT (mall_id, shop_no, date, entity_type, entity_id) DO UPDATE
   SET {set}, changed_at = now()
 WHERE ({stored}) IS DISTINCT FROM ({new})
