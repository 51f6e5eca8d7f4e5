-- year.sql: figures of many malls, as a year of synchronising leaves them, made without fetching anything.
-- {malls} malls of agency `big` and {others} of agency `small`, {days} days up to yesterday (KST): per mall and day one store row,
-- 20 products of 60, 10 domains. Written day by day, as workers write, so that a mall's rows lie all over the table.
-- 200 + 40 malls and 365 days are 2.7 million rows, 770 MB.
INSERT INTO agencies (agency_id) VALUES ('big'), ('small');
INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, config_json, wanted_from)
SELECT 'mall' || n, CASE WHEN n <= {malls} THEN 'big' ELSE 'small' END, 'seed', 'mall' || n, '{"mode": "api"}',
       (now() AT TIME ZONE 'Asia/Seoul')::date - {days}
  FROM generate_series(1, {malls} + {others}) AS n;
INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum)
SELECT 'mall' || n, 1, endpoint, 'day', day::date, 'complete', gen_random_uuid(), 1, 1, 1
  FROM generate_series((now() AT TIME ZONE 'Asia/Seoul')::date - {days}, (now() AT TIME ZONE 'Asia/Seoul')::date - 1, interval '1 day') AS day
 CROSS JOIN generate_series(1, {malls} + {others}) AS n
 CROSS JOIN unnest('{visitors,pageviews,products,domains}'::text[]) AS endpoint;
INSERT INTO products (mall_id, shop_no, product_no, name, named_on)
SELECT 'mall' || n, 1, (1000 + k)::text, '여성 봄 니트 원피스 ' || k, (now() AT TIME ZONE 'Asia/Seoul')::date - 1
  FROM generate_series(1, {malls} + {others}) AS n
 CROSS JOIN generate_series(1, 60) AS k;
INSERT INTO metrics_daily (mall_id, date, entity_type, entity_id, impressions, clicks, conversions, conversion_value, extra)
SELECT 'mall' || n, day::date, r.entity_type, coalesce(r.entity_id, 'mall' || n), r.impressions, r.clicks, r.conversions, r.value, r.extra::jsonb
  FROM generate_series((now() AT TIME ZONE 'Asia/Seoul')::date - {days}, (now() AT TIME ZONE 'Asia/Seoul')::date - 1, interval '1 day')
       WITH ORDINALITY AS d (day, number)
 CROSS JOIN generate_series(1, {malls} + {others}) AS n
 CROSS JOIN LATERAL (
    SELECT 'store', NULL, (1000 + random() * 500)::bigint, (5000 + random() * 900)::bigint, NULL::bigint, NULL::numeric,
           '{"visitors": {"first_visit_count": 600, "re_visit_count": 400}}'
     UNION ALL
    SELECT 'product', (1001 + (k * 7 + number) % 60)::text, NULL, NULL, (random() * 20)::bigint, round((random() * 900000)::numeric, 2),
           '{"products": {"order_product_count": 12}}'
      FROM generate_series(1, 20) AS k
     UNION ALL
    SELECT 'domain', domain, NULL, (random() * 200)::bigint, NULL, NULL, NULL
      FROM unnest('{search.naver.com,m.search.naver.com,google.com,instagram.com,(none),blog.naver.com,m.facebook.com,theqoo.net,shopping.naver.com,eclick.cafe24.com}'::text[]) AS domain
    ) AS r (entity_type, entity_id, impressions, clicks, conversions, value, extra);
VACUUM ANALYZE;
