-- clear_vanished.sql: what stood in a changed slice and is not in its new answer loses this endpoint's columns,
-- and its key of extra.
-- {table}, {endpoint}, {clear}, {any} are filled in by store/metrics.rs from the endpoint's own columns.
-- $1 mall_id[] $2 shop_no[] $3 date[]: the changed slices; equal lengths   $4 entity_type
-- $5 mall_id[] $6 shop_no[] $7 date[] $8 entity_id[]: the new rows; equal lengths
-- Rows that have no column left are deleted by delete_empty.sql. Locks in primary-key order.
UPDATE {table} m SET {clear}extra = nullif(m.extra - '{endpoint}', '{}'), changed_at = now()
  FROM (
    SELECT o.mall_id, o.shop_no, o.date, o.entity_type, o.entity_id
      FROM unnest($1::text[], $2::int[], $3::date[]) AS s (mall_id, shop_no, date)
      JOIN {table} o ON o.mall_id = s.mall_id AND o.shop_no = s.shop_no AND o.date = s.date AND o.entity_type = $4
      LEFT JOIN unnest($5::text[], $6::int[], $7::date[], $8::text[]) AS n (mall_id, shop_no, date, entity_id)
             ON (n.mall_id, n.shop_no, n.date, n.entity_id) = (o.mall_id, o.shop_no, o.date, o.entity_id)
     WHERE n.mall_id IS NULL AND ({any}o.extra ? '{endpoint}')
     ORDER BY o.mall_id, o.shop_no, o.date, o.entity_type, o.entity_id
       FOR UPDATE OF o) AS gone
 WHERE (m.mall_id, m.shop_no, m.date, m.entity_type, m.entity_id)
     = (gone.mall_id, gone.shop_no, gone.date, gone.entity_type, gone.entity_id)
