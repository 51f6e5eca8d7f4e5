-- upsert_products.sql: the newest name of each product wins; an equal name is not written.
-- $1 mall_id[] $2 shop_no[] $3 product_no[] $4 name[] $5 day[]; equal lengths, no product twice
-- Locks in primary-key order.
INSERT INTO products AS p (mall_id, shop_no, product_no, name, named_on)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::date[]) AS b (mall_id, shop_no, product_no, name, day)
 ORDER BY mall_id, shop_no, product_no
ON CONFLICT (mall_id, shop_no, product_no) DO UPDATE
   SET name = excluded.name, named_on = excluded.named_on, changed_at = now()
 WHERE p.named_on <= excluded.named_on AND p.name <> excluded.name
