-- What analysts read. Three tables of one shape: unique visitors of a week are not the sum of its days.
--
-- fillfactor 85: restated figures then update in place (HOT), measured 26 % less WAL (design.md §10).

CREATE TABLE metrics_daily (
    mall_id          text NOT NULL,
    shop_no          integer NOT NULL DEFAULT 1,
    date             date NOT NULL,
    entity_type      text NOT NULL CHECK (entity_type IN ('store', 'product', 'domain')),
    entity_id        text NOT NULL,
    impressions      bigint CHECK (impressions >= 0),
    clicks           bigint CHECK (clicks >= 0),
    conversions      bigint CHECK (conversions >= 0),
    conversion_value numeric CHECK (conversion_value >= 0 AND conversion_value <> 'NaN'),
    spend            numeric CHECK (spend IS NULL),
    source           text NOT NULL DEFAULT 'cafe24_analytics',
    extra            jsonb,
    first_seen_at    timestamptz NOT NULL DEFAULT now(),
    changed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mall_id, shop_no, date, entity_type, entity_id)
) WITH (fillfactor = 85);
CREATE TABLE metrics_weekly (LIKE metrics_daily INCLUDING ALL);
CREATE TABLE metrics_monthly (LIKE metrics_daily INCLUDING ALL);


COMMENT ON TABLE metrics_daily IS 'One row for each mall, shop, day and entity: store, product or referring domain. A day not fetched yet is absent, never 0; see slices.';
COMMENT ON COLUMN metrics_daily.mall_id IS 'The mall.';
COMMENT ON COLUMN metrics_daily.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN metrics_daily.date IS 'The KST day.';
COMMENT ON COLUMN metrics_daily.entity_type IS 'store, product or domain.';
COMMENT ON COLUMN metrics_daily.entity_id IS 'store: the mall id. product: the product number. domain: the referring domain.';
COMMENT ON COLUMN metrics_daily.impressions IS 'store: visits (visitors/view, visitCount). NULL otherwise.';
COMMENT ON COLUMN metrics_daily.clicks IS 'store: pageviews (visitors/pageview, pageviewCount). domain: visits from it (visitpaths/domains, visitCount).';
COMMENT ON COLUMN metrics_daily.conversions IS 'product: orders (products/sales, orderCount). NULL otherwise.';
COMMENT ON COLUMN metrics_daily.conversion_value IS 'product: sales amount in the shop''s currency (products/sales, salesAmount). NULL otherwise.';
COMMENT ON COLUMN metrics_daily.spend IS 'Always NULL: analytics data has no ad spend. The column exists for tables of advertising sources joined to this one.';
COMMENT ON COLUMN metrics_daily.source IS 'Where the row comes from.';
COMMENT ON COLUMN metrics_daily.extra IS 'Further fields of the answer that have no column.';
COMMENT ON COLUMN metrics_daily.first_seen_at IS 'When this row was first stored.';
COMMENT ON COLUMN metrics_daily.changed_at IS 'When a figure of this row last changed.';

COMMENT ON TABLE metrics_weekly IS 'One row for each mall, shop, week and entity: store, product or referring domain. A week not fetched yet is absent, never 0; see slices.';
COMMENT ON COLUMN metrics_weekly.mall_id IS 'The mall.';
COMMENT ON COLUMN metrics_weekly.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN metrics_weekly.date IS 'The Monday of the KST week.';
COMMENT ON COLUMN metrics_weekly.entity_type IS 'store, product or domain.';
COMMENT ON COLUMN metrics_weekly.entity_id IS 'store: the mall id. product: the product number. domain: the referring domain.';
COMMENT ON COLUMN metrics_weekly.impressions IS 'store: visits (visitors/view, visitCount). NULL otherwise.';
COMMENT ON COLUMN metrics_weekly.clicks IS 'store: pageviews (visitors/pageview, pageviewCount). domain: visits from it (visitpaths/domains, visitCount).';
COMMENT ON COLUMN metrics_weekly.conversions IS 'product: orders (products/sales, orderCount). NULL otherwise.';
COMMENT ON COLUMN metrics_weekly.conversion_value IS 'product: sales amount in the shop''s currency (products/sales, salesAmount). NULL otherwise.';
COMMENT ON COLUMN metrics_weekly.spend IS 'Always NULL: analytics data has no ad spend. The column exists for tables of advertising sources joined to this one.';
COMMENT ON COLUMN metrics_weekly.source IS 'Where the row comes from.';
COMMENT ON COLUMN metrics_weekly.extra IS 'Further fields of the answer that have no column.';
COMMENT ON COLUMN metrics_weekly.first_seen_at IS 'When this row was first stored.';
COMMENT ON COLUMN metrics_weekly.changed_at IS 'When a figure of this row last changed.';

COMMENT ON TABLE metrics_monthly IS 'One row for each mall, shop, month and entity: store, product or referring domain. A month not fetched yet is absent, never 0; see slices.';
COMMENT ON COLUMN metrics_monthly.mall_id IS 'The mall.';
COMMENT ON COLUMN metrics_monthly.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN metrics_monthly.date IS 'The first day of the KST month.';
COMMENT ON COLUMN metrics_monthly.entity_type IS 'store, product or domain.';
COMMENT ON COLUMN metrics_monthly.entity_id IS 'store: the mall id. product: the product number. domain: the referring domain.';
COMMENT ON COLUMN metrics_monthly.impressions IS 'store: visits (visitors/view, visitCount). NULL otherwise.';
COMMENT ON COLUMN metrics_monthly.clicks IS 'store: pageviews (visitors/pageview, pageviewCount). domain: visits from it (visitpaths/domains, visitCount).';
COMMENT ON COLUMN metrics_monthly.conversions IS 'product: orders (products/sales, orderCount). NULL otherwise.';
COMMENT ON COLUMN metrics_monthly.conversion_value IS 'product: sales amount in the shop''s currency (products/sales, salesAmount). NULL otherwise.';
COMMENT ON COLUMN metrics_monthly.spend IS 'Always NULL: analytics data has no ad spend. The column exists for tables of advertising sources joined to this one.';
COMMENT ON COLUMN metrics_monthly.source IS 'Where the row comes from.';
COMMENT ON COLUMN metrics_monthly.extra IS 'Further fields of the answer that have no column.';
COMMENT ON COLUMN metrics_monthly.first_seen_at IS 'When this row was first stored.';
COMMENT ON COLUMN metrics_monthly.changed_at IS 'When a figure of this row last changed.';

CREATE TABLE products (
    mall_id    text NOT NULL,
    shop_no    integer NOT NULL DEFAULT 1,
    product_no text NOT NULL,
    name       text NOT NULL,
    named_on   date NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mall_id, shop_no, product_no)
) WITH (fillfactor = 85);
COMMENT ON TABLE products IS 'Names of products as the API last gave them.';
COMMENT ON COLUMN products.mall_id IS 'The mall.';
COMMENT ON COLUMN products.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN products.product_no IS 'The product number, entity_id of product rows.';
COMMENT ON COLUMN products.name IS 'The name on the newest day on which the product was named.';
COMMENT ON COLUMN products.named_on IS 'That day; a backfill of older days does not bring an old name back.';
COMMENT ON COLUMN products.changed_at IS 'When the name last changed.';
