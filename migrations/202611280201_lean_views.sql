-- Leaner views for whoever sums a year of many malls (docs/adr/0021). What they show is what they showed.

-- The parent domain is cut out and looked up only where the domain itself has no group: at 730,000 rows a fifth of the whole.
CREATE OR REPLACE VIEW analytics.daily_domains WITH (security_invoker = true) AS
SELECT m.mall_id,
       m.shop_no,
       m.date AS day,
       m.entity_id AS domain,
       m.clicks AS visits,
       m.entity_id IN ('(none)', '참조 도메인 없음') AS is_direct,
       CASE WHEN m.entity_id IN ('(none)', '참조 도메인 없음') THEN 'direct'
            ELSE coalesce(g.domain_group, parent.domain_group, 'other') END AS domain_group,
       coalesce(s.data_state <> 'partial', false) AS is_final,
       s.fetched_at,
       m.changed_at
  FROM public.metrics_daily m
  LEFT JOIN public.domain_groups g ON g.domain = m.entity_id
  LEFT JOIN public.domain_groups parent
    ON parent.domain = CASE WHEN g.domain IS NULL THEN right(m.entity_id, -strpos(m.entity_id, '.')) END
  LEFT JOIN public.slices s
    ON s.mall_id = m.mall_id AND s.shop_no = m.shop_no AND s.endpoint = 'domains' AND s.granularity = 'day' AND s.date = m.date
 WHERE m.entity_type = 'domain';

-- Names apart from figures: who sums by number first and names the few that are left looks up twenty names, not a million.
CREATE VIEW analytics.products WITH (security_invoker = true) AS
SELECT mall_id, shop_no, product_no, name AS product_name FROM public.products;
COMMENT ON VIEW analytics.products IS 'One row for each product of each mall and shop that was ever named: join it to sums of daily_products by mall_id, shop_no and product_no. A product that has figures and no row here was never named.';
COMMENT ON COLUMN analytics.products.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.products.shop_no IS 'The shop of the mall; the first is 1. The same product_no in two malls is two products.';
COMMENT ON COLUMN analytics.products.product_no IS 'The product number of the mall (text: an identifier, no quantity).';
COMMENT ON COLUMN analytics.products.product_name IS 'The name on the newest day on which the product was named, as in daily_products. As the shop wrote it: any character, may begin with =.';
