-- The 20 products that sold most in the last 28 days, and their share of all sales; of each mall the days through its last
-- final one. Within one currency: the API does not tell which a shop has, so name the malls (WHERE p.mall_id IN …) if yours differ.
SELECT p.mall_id, p.shop_no, p.product_no, p.product_name,
       sum(p.orders) AS orders,
       sum(p.sales_amount) AS sales_amount,
       round(100 * sum(p.sales_amount) / nullif(sum(sum(p.sales_amount)) OVER (), 0), 2) AS share_percent
  FROM analytics.daily_products p
  JOIN analytics.freshness f ON f.mall_id = p.mall_id AND f.shop_no = p.shop_no AND f.endpoint = 'products'
 WHERE p.day BETWEEN (now() AT TIME ZONE 'Asia/Seoul')::date - 28 AND (now() AT TIME ZONE 'Asia/Seoul')::date - 1
   AND p.day <= f.complete_through
 GROUP BY p.mall_id, p.shop_no, p.product_no, p.product_name
 ORDER BY sales_amount DESC NULLS LAST, p.mall_id, p.shop_no, p.product_no
 LIMIT 20;
