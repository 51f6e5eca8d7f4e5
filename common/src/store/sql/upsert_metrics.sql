-- upsert_metrics.sql: writes the rows of changed slices of one endpoint. {table}, {endpoint}, {set}, {stored}, {new}
-- are filled in by store/metrics.rs from the endpoint's own columns: no other column is touched, and no other key of extra.
-- $1 mall_id[] $2 shop_no[] $3 date[] $4 entity_id[] $5 impressions[] $6 clicks[] $7 conversions[] $8 conversion_value[];
-- equal lengths, no key twice   $9 entity_type   $10 extra[], as JSON texts or NULL
-- Locks in primary-key order so that two batches cannot deadlock. An equal row is not written.
INSERT INTO {table} AS m (mall_id, shop_no, date, entity_type, entity_id, impressions, clicks, conversions, conversion_value, extra)
SELECT mall_id, shop_no, date, $9, entity_id, impressions, clicks, conversions, conversion_value,
       CASE WHEN extra IS NOT NULL THEN jsonb_build_object('{endpoint}', extra::jsonb) END
  FROM unnest($1::text[], $2::int[], $3::date[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::numeric[], $10::text[])
       AS b (mall_id, shop_no, date, entity_id, impressions, clicks, conversions, conversion_value, extra)
 ORDER BY mall_id, shop_no, date, entity_id
ON CONFLICT (mall_id, shop_no, date, entity_type, entity_id) DO UPDATE
   SET {set}extra = nullif(coalesce(m.extra - '{endpoint}', '{}') || coalesce(excluded.extra, '{}'), '{}'), changed_at = now()
 WHERE ROW({stored}m.extra -> '{endpoint}')
       IS DISTINCT FROM ROW({new}excluded.extra -> '{endpoint}')
