-- What the figures of the live dialect mean in the tables that analysts read; docs/endpoints.md has the whole mapping.

DO $$
DECLARE
    name text;
    of_row text;
BEGIN
    FOREACH name IN ARRAY ARRAY['metrics_daily', 'metrics_weekly', 'metrics_monthly'] LOOP
        of_row := CASE name WHEN 'metrics_daily' THEN 'day' WHEN 'metrics_weekly' THEN 'week' ELSE 'month' END;
        EXECUTE format('COMMENT ON TABLE %I IS %L', name,
            format('One row for each mall, shop, %s and entity: store, product, referring domain, search keyword or advertising channel. A %s not fetched yet is absent, never 0; see slices.', of_row, of_row));
        EXECUTE format('COMMENT ON COLUMN %I.entity_type IS %L', name, 'store, product, domain, keyword or ad.');
        EXECUTE format('COMMENT ON COLUMN %I.entity_id IS %L', name,
            'store: the mall id. product: the product number. domain: the referring domain. keyword: the search keyword. ad: the advertising channel. (none): visits without a domain or a channel.');
        EXECUTE format('COMMENT ON COLUMN %I.impressions IS %L', name,
            'store: visits (endpoint visitors). product: views (endpoint carts). NULL otherwise.');
        EXECUTE format('COMMENT ON COLUMN %I.clicks IS %L', name,
            'store: pageviews (endpoint pageviews). domain, keyword, ad: visits from it (endpoints domains, keywords, ads). product: cart adds (endpoint carts).');
        EXECUTE format('COMMENT ON COLUMN %I.conversions IS %L', name, 'product: orders (endpoint products). NULL otherwise.');
        EXECUTE format('COMMENT ON COLUMN %I.conversion_value IS %L', name,
            'product: sales amount in the shop''s currency (endpoint products). NULL otherwise.');
        EXECUTE format('COMMENT ON COLUMN %I.extra IS %L', name,
            'Figures that have no column, by endpoint: {"visitors": {"first_visit_count": 1}}. Not to be summed without knowing them: unique visitors of days do not add up.');
    END LOOP;
END
$$;
