-- The 20 products that sold most in the last 28 days, and their share of all sales; of each mall its final days.
-- Within one currency: the API does not tell which a shop has, so name the malls (WHERE mall_id IN …) if yours differ.
WITH sold AS (
    SELECT mall_id, shop_no, product_no, sum(orders) AS orders, sum(sales_amount) AS sales_amount
      FROM analytics.daily_products
     WHERE day BETWEEN (now() AT TIME ZONE 'Asia/Seoul')::date - 28 AND (now() AT TIME ZONE 'Asia/Seoul')::date - 1
       AND is_final
     GROUP BY mall_id, shop_no, product_no
), best AS (
    SELECT *, round(100 * sales_amount / nullif(sum(sales_amount) OVER (), 0), 2) AS share_percent
      FROM sold
     ORDER BY sales_amount DESC NULLS LAST, mall_id, shop_no, product_no
     LIMIT 20
)
SELECT mall_id, shop_no, product_no, product_name, orders, sales_amount, share_percent
  FROM best
  LEFT JOIN analytics.products USING (mall_id, shop_no, product_no)
 ORDER BY sales_amount DESC NULLS LAST, mall_id, shop_no, product_no;
