-- lock_rows.sql: takes all rows that several endpoints of a batch are about to write, in key order.
-- {table} is filled in by store/metrics.rs. $1 mall_id[] $2 shop_no[] $3 date[] $4 entity_id[], each row once, in key
-- order; equal lengths   $5 entity_type
-- Visits and page views of a store stand in one row. Written one endpoint after the other, each of two batches could hold
-- what the other wants next; taken together they cannot. A row that is not there yet is made here and filled by the
-- endpoints' own statements. A row that is there is locked, not written: ON CONFLICT locks it whatever WHERE says.
-- Called by store/commit.rs only.
INSERT INTO {table} AS m (mall_id, shop_no, date, entity_type, entity_id)
SELECT mall_id, shop_no, date, $5, entity_id
  FROM unnest($1::text[], $2::int[], $3::date[], $4::text[]) AS b (mall_id, shop_no, date, entity_id)
 ORDER BY mall_id, shop_no, date, entity_id
ON CONFLICT (mall_id, shop_no, date, entity_type, entity_id) DO UPDATE SET changed_at = m.changed_at WHERE false
