-- The 20 products that sold most in the last 28 days, and their share of all sales. Within one currency: the API does not tell
-- which a shop has, so name the malls (WHERE mall_id IN …) if yours differ.
SELECT mall_id, shop_no, product_no, product_name,
       sum(orders) AS orders,
       sum(sales_amount) AS sales_amount,
       round(100 * sum(sales_amount) / nullif(sum(sum(sales_amount)) OVER (), 0), 2) AS share_percent
  FROM analytics.daily_products
 WHERE day BETWEEN (now() AT TIME ZONE 'Asia/Seoul')::date - 28 AND (now() AT TIME ZONE 'Asia/Seoul')::date - 1
   AND is_final
 GROUP BY mall_id, shop_no, product_no, product_name
 ORDER BY sales_amount DESC NULLS LAST, mall_id, shop_no, product_no
 LIMIT 20;
