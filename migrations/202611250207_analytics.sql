-- What analysts read: schema `analytics`, views only, in the words of the business (docs/query.md).
--
-- Each view is security_invoker: it reads with the rights of who asks, so that row-level security holds whoever owns it
-- (docs/adr/0018). A view of this schema without that option is refused by a test.

CREATE SCHEMA analytics;
COMMENT ON SCHEMA analytics IS 'Views for analysts: figures by mall, shop and KST day, and whether they can be trusted.';

CREATE TABLE domain_groups (
    domain       text PRIMARY KEY CHECK (domain = lower(domain) AND length(domain) BETWEEN 1 AND 253),
    domain_group text NOT NULL CHECK (domain_group IN ('search', 'social', 'ad', 'other'))
);
COMMENT ON TABLE domain_groups IS 'To which group a referring domain belongs; yours to edit. A domain that is not here takes the group of its parent domain: m.search.naver.com that of search.naver.com.';
COMMENT ON COLUMN domain_groups.domain IS 'The domain, in small letters, without scheme and path.';
COMMENT ON COLUMN domain_groups.domain_group IS 'search, social, ad or other.';

INSERT INTO domain_groups (domain, domain_group) VALUES
    ('search.naver.com', 'search'), ('search.daum.net', 'search'), ('search.zum.com', 'search'), ('search.nate.com', 'search'),
    ('google.com', 'search'), ('google.co.kr', 'search'), ('bing.com', 'search'), ('search.yahoo.com', 'search'),
    ('search.yahoo.co.jp', 'search'), ('duckduckgo.com', 'search'), ('baidu.com', 'search'), ('yandex.ru', 'search'),
    ('shopping.naver.com', 'search'), ('msearch.shopping.naver.com', 'search'), ('search.shopping.naver.com', 'search'),
    ('instagram.com', 'social'), ('facebook.com', 'social'), ('youtube.com', 'social'), ('youtu.be', 'social'),
    ('t.co', 'social'), ('twitter.com', 'social'), ('x.com', 'social'), ('threads.net', 'social'), ('threads.com', 'social'),
    ('tiktok.com', 'social'), ('pinterest.com', 'social'), ('pinterest.co.kr', 'social'), ('kakao.com', 'social'),
    ('band.us', 'social'), ('blog.naver.com', 'social'), ('cafe.naver.com', 'social'), ('post.naver.com', 'social'),
    ('in.naver.com', 'social'), ('tistory.com', 'social'), ('brunch.co.kr', 'social'), ('cafe.daum.net', 'social'),
    ('linkedin.com', 'social'),
    ('ad.daum.net', 'ad'), ('ader.naver.com', 'ad'), ('adcr.naver.com', 'ad'), ('cr.shopping.naver.com', 'ad'),
    ('doubleclick.net', 'ad'), ('googleadservices.com', 'ad'), ('googlesyndication.com', 'ad'), ('criteo.com', 'ad'),
    ('eclick.cafe24.com', 'ad'), ('taboola.com', 'ad'), ('mobon.net', 'ad');

-- Store figures of some malls and days (analytics.daily_store): one row of thirty, so that products and domains of the same
-- day are not walked over.
CREATE INDEX metrics_daily_store ON metrics_daily (mall_id, date) WHERE entity_type = 'store';
-- Products, and domains, of some malls and days (analytics.daily_products, daily_domains).
CREATE INDEX metrics_daily_product ON metrics_daily (mall_id, date) WHERE entity_type = 'product';
CREATE INDEX metrics_daily_domain ON metrics_daily (mall_id, date) WHERE entity_type = 'domain';

-- The slices decide which days there are: a day that was fetched and has no store row was answered with nothing, and that
-- is a zero; a day that was not fetched has no row here.
CREATE VIEW analytics.daily_store WITH (security_invoker = true) AS
SELECT f.mall_id,
       f.shop_no,
       f.day,
       CASE WHEN f.has_visits THEN coalesce(m.impressions, 0) END AS visits,
       CASE WHEN f.has_pageviews THEN coalesce(m.clicks, 0) END AS pageviews,
       round(m.clicks::numeric / nullif(m.impressions, 0), 2) AS pageviews_per_visit,
       -- What is no number there is none here: one odd answer must not end everybody's query.
       substring(m.extra -> 'visitors' ->> 'first_visit_count' FROM '^\d{1,18}$')::bigint AS first_visits,
       substring(m.extra -> 'visitors' ->> 're_visit_count' FROM '^\d{1,18}$')::bigint AS return_visits,
       substring(m.extra -> 'unique' ->> 'unique_visit_count' FROM '^\d{1,18}$')::bigint AS unique_visitors,
       f.is_final,
       f.fetched_at,
       f.changed_at
  FROM (SELECT mall_id,
               shop_no,
               date AS day,
               bool_or(endpoint = 'visitors') AS has_visits,
               bool_or(endpoint = 'pageviews') AS has_pageviews,
               bool_and(data_state <> 'partial') AS is_final,
               min(fetched_at) AS fetched_at,
               max(changed_at) AS changed_at
          FROM public.slices
         WHERE granularity = 'day' AND endpoint IN ('visitors', 'pageviews', 'unique')
         GROUP BY mall_id, shop_no, date) AS f
  LEFT JOIN public.metrics_daily m
    ON m.entity_type = 'store' AND m.mall_id = f.mall_id AND m.shop_no = f.shop_no AND m.date = f.day AND m.entity_id = f.mall_id;
COMMENT ON VIEW analytics.daily_store IS 'One row for each mall, shop and KST day of which visits, pageviews or unique visitors were fetched. A day that was not fetched is absent, never 0: join analytics.freshness or ask analytics.calendar_gaps before you trust a total.';
COMMENT ON COLUMN analytics.daily_store.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.daily_store.shop_no IS 'The shop of the mall; the first is 1. Shops of one mall are separate stores: visits may be added up over them, unique visitors may not.';
COMMENT ON COLUMN analytics.daily_store.day IS 'The KST day (00:00 to 24:00 in Korea).';
COMMENT ON COLUMN analytics.daily_store.visits IS 'Visits (count; visitors/view, visitCount or visit_count). 0: the API answered that day without a row. NULL: visits were not fetched. May be summed over days and shops. Not people: who comes twice counts twice.';
COMMENT ON COLUMN analytics.daily_store.pageviews IS 'Pageviews (count; visitors/pageview, pageviewCount or page_view). 0 and NULL as of visits. May be summed over days and shops.';
COMMENT ON COLUMN analytics.daily_store.pageviews_per_visit IS 'Pageviews divided by visits (ratio, two decimals; computed here). NULL without visits. Never sum or average it: divide the sums.';
COMMENT ON COLUMN analytics.daily_store.first_visits IS 'Visits of browsers that came for the first time (count; visitors/view, first_visit_count; live dialect only, else NULL). May be summed over days; is part of visits.';
COMMENT ON COLUMN analytics.daily_store.return_visits IS 'Visits of browsers that had come before (count; visitors/view, re_visit_count; live dialect only, else NULL). May be summed over days; is part of visits.';
COMMENT ON COLUMN analytics.daily_store.unique_visitors IS 'Different IP addresses of the day (count; visitors/unique, unique_visit_count; live dialect and only where the endpoint is wanted, else NULL). May NOT be summed, neither over days nor over shops: the same address counts in each. Not people.';
COMMENT ON COLUMN analytics.daily_store.is_final IS 'Whether every figure of this row was fetched after the KST day had ended and settled. false: figures of a running day, they will rise. A final figure may still be restated by Cafe24 later (analytics.restatements).';
COMMENT ON COLUMN analytics.daily_store.fetched_at IS 'When the oldest figure of this row was last fetched (an instant; show it in the zone you like).';
COMMENT ON COLUMN analytics.daily_store.changed_at IS 'When a figure of this row last changed. For incremental loads: everything above the last one you saw.';

CREATE VIEW analytics.daily_products WITH (security_invoker = true) AS
SELECT m.mall_id,
       m.shop_no,
       m.date AS day,
       m.entity_id AS product_no,
       p.name AS product_name,
       m.conversions AS orders,
       substring(m.extra -> 'products' ->> 'order_product_count' FROM '^\d{1,18}$')::bigint AS units,
       m.conversion_value AS sales_amount,
       m.impressions AS product_views,
       m.clicks AS cart_adds,
       coalesce(s.data_state <> 'partial', m.conversions IS NULL)
           AND coalesce(c.data_state <> 'partial', m.impressions IS NULL AND m.clicks IS NULL) AS is_final,
       least(s.fetched_at, c.fetched_at) AS fetched_at,
       m.changed_at
  FROM public.metrics_daily m
  LEFT JOIN public.products p ON p.mall_id = m.mall_id AND p.shop_no = m.shop_no AND p.product_no = m.entity_id
  LEFT JOIN public.slices s
    ON s.mall_id = m.mall_id AND s.shop_no = m.shop_no AND s.endpoint = 'products' AND s.granularity = 'day' AND s.date = m.date
  LEFT JOIN public.slices c
    ON c.mall_id = m.mall_id AND c.shop_no = m.shop_no AND c.endpoint = 'carts' AND c.granularity = 'day' AND c.date = m.date
 WHERE m.entity_type = 'product';
COMMENT ON VIEW analytics.daily_products IS 'One row for each mall, shop, KST day and product that the API named that day: it was sold, or seen, or put into a cart. A product without a row had no order on a day whose products were fetched (a true zero), and is unknown on a day that was not: analytics.calendar_gaps lists those. A product that vanished from the answer at a later fetch loses its row.';
COMMENT ON COLUMN analytics.daily_products.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.daily_products.shop_no IS 'The shop of the mall; the first is 1. The same product_no in two malls is two products.';
COMMENT ON COLUMN analytics.daily_products.day IS 'The KST day (00:00 to 24:00 in Korea) of the order, not of payment or delivery.';
COMMENT ON COLUMN analytics.daily_products.product_no IS 'The product number of the mall (text: an identifier, no quantity).';
COMMENT ON COLUMN analytics.daily_products.product_name IS 'The name on the newest day on which the product was named; the same for all days. NULL: never named. As the shop wrote it: any character, may begin with =.';
COMMENT ON COLUMN analytics.daily_products.orders IS 'Paid orders that hold the product (count; products/sales, orderCount or order_count). NULL: the product was not in that answer. Sums over products count an order of two products twice, so they are not the store''s orders.';
COMMENT ON COLUMN analytics.daily_products.units IS 'Pieces sold (count; products/sales, order_product_count; live dialect only, else NULL). May be summed.';
COMMENT ON COLUMN analytics.daily_products.sales_amount IS 'Sales of the product in paid orders (amount in the shop''s own currency, which the API does not tell; products/sales, salesAmount or order_amount). May be summed over products and days of one shop; not over shops of different currencies. Refunds are not taken off; shipping is not in it, so the sum is not the store''s revenue.';
COMMENT ON COLUMN analytics.daily_products.product_views IS 'Views of the product''s page (count; carts/action, count; live dialect and only where the endpoint carts is wanted, else NULL). May be summed.';
COMMENT ON COLUMN analytics.daily_products.cart_adds IS 'How often it was put into a cart (count; carts/action, add_cart_count; as product_views). May be summed; a rate must be computed from the sums.';
COMMENT ON COLUMN analytics.daily_products.is_final IS 'Whether every figure of this row was fetched after the KST day had ended and settled.';
COMMENT ON COLUMN analytics.daily_products.fetched_at IS 'When the older of the day''s two answers (products/sales, carts/action) was last fetched.';
COMMENT ON COLUMN analytics.daily_products.changed_at IS 'When a figure of this row last changed. A row that was taken away is not seen by incremental loads: analytics.restatements.';

CREATE VIEW analytics.daily_domains WITH (security_invoker = true) AS
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
  LEFT JOIN public.domain_groups parent ON parent.domain = substring(m.entity_id FROM strpos(m.entity_id, '.') + 1)
  LEFT JOIN public.slices s
    ON s.mall_id = m.mall_id AND s.shop_no = m.shop_no AND s.endpoint = 'domains' AND s.granularity = 'day' AND s.date = m.date
 WHERE m.entity_type = 'domain';
COMMENT ON VIEW analytics.daily_domains IS 'One row for each mall, shop, KST day and domain that visits came from, as the API named it that day. A domain without a row sent no visit on a day whose domains were fetched, and is unknown on a day that was not: analytics.calendar_gaps lists those.';
COMMENT ON COLUMN analytics.daily_domains.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.daily_domains.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.daily_domains.day IS 'The KST day (00:00 to 24:00 in Korea).';
COMMENT ON COLUMN analytics.daily_domains.domain IS 'The referring domain (visitpaths/domains, domain); (none): no referrer. Subdomains are separate: m.search.naver.com is not in search.naver.com.';
COMMENT ON COLUMN analytics.daily_domains.visits IS 'Visits that came from it (count; visitpaths/domains, visitCount or visit_count). May be summed over days, domains and shops. The sum over domains need not equal daily_store.visits: another report of Cafe24.';
COMMENT ON COLUMN analytics.daily_domains.is_direct IS 'Whether the visit had no referrer (domain (none)): typed, from an app, a bookmark, or a browser that does not tell. Not the same as loyal visitors.';
COMMENT ON COLUMN analytics.daily_domains.domain_group IS 'direct (no referrer), or the group of the domain or of its parent domain in table domain_groups: search, social, ad, other. By domain only: an advertisement on a search page counts as search. A change of the table changes all days.';
COMMENT ON COLUMN analytics.daily_domains.is_final IS 'Whether the figure was fetched after the KST day had ended and settled.';
COMMENT ON COLUMN analytics.daily_domains.fetched_at IS 'When the day was last fetched.';
COMMENT ON COLUMN analytics.daily_domains.changed_at IS 'When the figure last changed.';

CREATE VIEW analytics.daily_keywords WITH (security_invoker = true) AS
SELECT m.mall_id, m.shop_no, m.date AS day, m.entity_id AS keyword, m.clicks AS visits,
       m.entity_id = '(none)' AS is_unknown, coalesce(s.data_state <> 'partial', false) AS is_final, s.fetched_at, m.changed_at
  FROM public.metrics_daily m
  LEFT JOIN public.slices s
    ON s.mall_id = m.mall_id AND s.shop_no = m.shop_no AND s.endpoint = 'keywords' AND s.granularity = 'day' AND s.date = m.date
 WHERE m.entity_type = 'keyword';
COMMENT ON VIEW analytics.daily_keywords IS 'One row for each mall, shop, KST day and search keyword that visits came with (live dialect, where the endpoint keywords is wanted). A keyword without a row sent no visit on a day that was fetched, and is unknown on a day that was not.';
COMMENT ON COLUMN analytics.daily_keywords.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.daily_keywords.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.daily_keywords.day IS 'The KST day (00:00 to 24:00 in Korea).';
COMMENT ON COLUMN analytics.daily_keywords.keyword IS 'What was searched for (visitpaths/keywords, keyword), as typed; (none): no keyword is known.';
COMMENT ON COLUMN analytics.daily_keywords.visits IS 'Visits that came with it (count; visitpaths/keywords, visit_count). May be summed over days, keywords and shops. Not all searches: most engines do not tell.';
COMMENT ON COLUMN analytics.daily_keywords.is_unknown IS 'Whether no keyword is known.';
COMMENT ON COLUMN analytics.daily_keywords.is_final IS 'Whether the figure was fetched after the KST day had ended and settled.';
COMMENT ON COLUMN analytics.daily_keywords.fetched_at IS 'When the day was last fetched.';
COMMENT ON COLUMN analytics.daily_keywords.changed_at IS 'When the figure last changed.';

CREATE VIEW analytics.daily_ads WITH (security_invoker = true) AS
SELECT m.mall_id, m.shop_no, m.date AS day, m.entity_id AS channel, m.clicks AS visits,
       m.entity_id = '(none)' AS is_none, coalesce(s.data_state <> 'partial', false) AS is_final, s.fetched_at, m.changed_at
  FROM public.metrics_daily m
  LEFT JOIN public.slices s
    ON s.mall_id = m.mall_id AND s.shop_no = m.shop_no AND s.endpoint = 'ads' AND s.granularity = 'day' AND s.date = m.date
 WHERE m.entity_type = 'ad';
COMMENT ON VIEW analytics.daily_ads IS 'One row for each mall, shop, KST day and advertising channel that visits came from (live dialect, where the endpoint ads is wanted). A channel without a row sent no visit on a day that was fetched, and is unknown on a day that was not.';
COMMENT ON COLUMN analytics.daily_ads.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.daily_ads.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.daily_ads.day IS 'The KST day (00:00 to 24:00 in Korea).';
COMMENT ON COLUMN analytics.daily_ads.channel IS 'The channel as Cafe24 names it (visitpaths/ads, ad); (none): no advertisement.';
COMMENT ON COLUMN analytics.daily_ads.visits IS 'Visits that came from it (count; visitpaths/ads, visit_count). May be summed over days, channels and shops. What they cost is not known here.';
COMMENT ON COLUMN analytics.daily_ads.is_none IS 'Whether the visit came from no advertisement.';
COMMENT ON COLUMN analytics.daily_ads.is_final IS 'Whether the figure was fetched after the KST day had ended and settled.';
COMMENT ON COLUMN analytics.daily_ads.fetched_at IS 'When the day was last fetched.';
COMMENT ON COLUMN analytics.daily_ads.changed_at IS 'When the figure last changed.';

CREATE FUNCTION analytics.calendar_gaps(mall text, from_day date, to_day date)
RETURNS TABLE (shop_no integer, endpoint text, day date, state text)
LANGUAGE sql STABLE AS $$
    SELECT w.shop_no, w.endpoint, d.day::date, coalesce(s.data_state, 'missing')
      FROM public.visible_series() w
     CROSS JOIN generate_series(from_day, least(to_day, (now() AT TIME ZONE 'Asia/Seoul')::date - 1), interval '1 day') AS d (day)
      LEFT JOIN public.slices s
        ON s.mall_id = w.mall_id AND s.shop_no = w.shop_no AND s.endpoint = w.endpoint AND s.granularity = 'day' AND s.date = d.day
     WHERE w.mall_id = mall AND (s.data_state IS NULL OR s.data_state = 'partial')
     ORDER BY w.shop_no, w.endpoint, d.day
$$;
COMMENT ON FUNCTION analytics.calendar_gaps(text, date, date) IS 'Days of a mall from from_day to to_day (inclusive, not after yesterday in Korea) whose figures are not final, by shop and wanted endpoint. state missing: never fetched, absent from the views. state partial: fetched before the day was over. No row: nothing is missing.';
