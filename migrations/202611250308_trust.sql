-- What analysts read before they trust a figure: freshness, coverage. The words are those of the views that operators see
-- (202611250204_coverage.sql); jobs and dead letters, which they ask, are not for analysts. So a function with the owner's
-- rights answers for one mall, and only for one that the reader may see.
--
-- The views call them in a select list, once for each visible mall (condition on mall_id first). As a LATERAL join they would
-- be asked again for each row that the planner puts before them: it takes two hundred malls for ten. Costs are as measured.

CREATE FUNCTION visible_freshness(mall text)
RETURNS TABLE (shop_no integer, endpoint text, complete_since date, complete_through date, gap_days integer,
               last_success_at timestamptz, status text, reason text)
LANGUAGE sql STABLE SECURITY DEFINER COST 200000 ROWS 8 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT f.shop_no, f.endpoint,
           greatest(f.complete_since, seen.shown_from),
           CASE WHEN f.complete_through < seen.shown_from THEN NULL ELSE f.complete_through END,
           -- What an earlier agency fetched, or did not, is not told.
           CASE WHEN seen.shown_from IS NULL OR f.wanted_from >= seen.shown_from THEN f.gap_days ELSE (
               SELECT count(*)::integer
                 FROM generate_series(seen.shown_from::timestamp, (now() AT TIME ZONE 'Asia/Seoul')::date - interval '1 day', interval '1 day') AS day
                 LEFT JOIN slices s
                   ON s.mall_id = f.mall_id AND s.shop_no = f.shop_no AND s.endpoint = f.endpoint AND s.granularity = 'day'
                  AND s.date = day::date AND s.data_state <> 'partial'
                WHERE s.mall_id IS NULL) END,
           CASE WHEN f.last_success_at < seen.shown_from::timestamp AT TIME ZONE 'Asia/Seoul' THEN NULL ELSE f.last_success_at END,
           f.status, f.reason
      FROM series_freshness f
     CROSS JOIN LATERAL (
        SELECT NULL::date AS shown_from WHERE has_table_privilege(session_user, 'public.connectors', 'SELECT')
         UNION ALL
        SELECT m.shown_from FROM reader_malls m WHERE m.role_name = session_user AND m.mall_id = mall
         LIMIT 1) AS seen
     WHERE f.mall_id = mall
$$;
COMMENT ON FUNCTION visible_freshness(text) IS 'How fresh the shops and endpoints of one mall are, as analytics.freshness shows it; no row for a mall that the reader may not see.';

CREATE VIEW analytics.freshness WITH (security_invoker = true) AS
SELECT mall_id, (f).shop_no, (f).endpoint, (f).complete_since, (f).complete_through, (f).gap_days, (f).last_success_at, (f).status, (f).reason
  FROM (SELECT mall_id, public.visible_freshness(mall_id) AS f FROM unnest(public.visible_malls()) AS visible (mall_id)) AS malls;
COMMENT ON VIEW analytics.freshness IS 'How far each shop and endpoint of each mall is complete: join it before you trust a total. One row a mall, shop and wanted endpoint, also for what was never fetched.';
COMMENT ON COLUMN analytics.freshness.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.freshness.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.freshness.endpoint IS 'visitors (visits), pageviews, products, domains, unique, carts, keywords, ads: which figures it is about.';
COMMENT ON COLUMN analytics.freshness.complete_since IS 'First KST day of the newest unbroken run of final days: from here to complete_through nothing is missing.';
COMMENT ON COLUMN analytics.freshness.complete_through IS 'Last final KST day; NULL: none. Not a promise that no day before it is missing: gap_days.';
COMMENT ON COLUMN analytics.freshness.gap_days IS 'Wanted KST days up to yesterday that are not final: missing or partial (days). analytics.calendar_gaps lists them.';
COMMENT ON COLUMN analytics.freshness.last_success_at IS 'When a fetch last brought an answer (an instant). Fetching often is not being complete.';
COMMENT ON COLUMN analytics.freshness.status IS 'fresh: complete through yesterday without gaps. catching_up: not yet, and not late. late: not complete by the morning''s deadline. needs_you: only a person can mend it. paused: by a person.';
COMMENT ON COLUMN analytics.freshness.reason IS 'Why it is not fresh, in words; NULL: it is.';

CREATE FUNCTION visible_slices(mall text)
RETURNS TABLE (shop_no integer, endpoint text, day date, data_state text, work_state text, rows integer,
               first_fetched_at timestamptz, fetched_at timestamptz, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER COST 200000 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.shop_no, c.endpoint, c.date, c.data_state, c.work_state, c.rows, c.first_fetched_at, c.fetched_at, c.changed_at
      FROM slice_coverage c
     CROSS JOIN LATERAL (
        SELECT NULL::date AS shown_from WHERE has_table_privilege(session_user, 'public.connectors', 'SELECT')
         UNION ALL
        SELECT m.shown_from FROM reader_malls m WHERE m.role_name = session_user AND m.mall_id = mall
         LIMIT 1) AS seen
     WHERE c.mall_id = mall AND c.date >= coalesce(seen.shown_from, '-infinity')
$$;
COMMENT ON FUNCTION visible_slices(text) IS 'Every wanted day of one mall, as analytics.coverage shows it; no row for a mall that the reader may not see.';

CREATE VIEW analytics.coverage WITH (security_invoker = true) AS
SELECT mall_id, (c).shop_no, (c).endpoint, (c).day, (c).data_state, (c).work_state, (c).rows, (c).first_fetched_at, (c).fetched_at, (c).changed_at
  FROM (SELECT mall_id, public.visible_slices(mall_id) AS c FROM unnest(public.visible_malls()) AS visible (mall_id)) AS malls;
COMMENT ON VIEW analytics.coverage IS 'Every wanted slice up to today: one row a mall, shop, endpoint and KST day, also for days that were never fetched. Ask it by mall_id; of all malls and a year it is slow.';
COMMENT ON COLUMN analytics.coverage.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.coverage.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.coverage.endpoint IS 'Which figures it is about, as in analytics.freshness.';
COMMENT ON COLUMN analytics.coverage.day IS 'The KST day, from the first that is wanted to today.';
COMMENT ON COLUMN analytics.coverage.data_state IS 'missing: never fetched, absent from the other views. partial: fetched before the day was final. complete: fetched after. restated: complete, and a later fetch brought other figures.';
COMMENT ON COLUMN analytics.coverage.work_state IS 'idle, queued, running, failed (for good, a person has to look) or paused: what is being done about it, whatever is there.';
COMMENT ON COLUMN analytics.coverage.rows IS 'Rows of the answer (count); 0 is a true zero. NULL: missing.';
COMMENT ON COLUMN analytics.coverage.first_fetched_at IS 'When it was first fetched (an instant).';
COMMENT ON COLUMN analytics.coverage.fetched_at IS 'When it was last fetched (an instant).';
COMMENT ON COLUMN analytics.coverage.changed_at IS 'When its figures last changed (an instant).';

CREATE FUNCTION visible_restatements(mall text)
RETURNS TABLE (shop_no integer, endpoint text, day date, field text, before numeric, after numeric, moved numeric, seen_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER COST 20000 ROWS 100 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT r.shop_no, r.endpoint, r.date,
           CASE WHEN r.field = 'rows' THEN 'rows'
                WHEN r.field = 'conversions' THEN 'orders'
                WHEN r.field = 'conversion_value' THEN 'sales_amount'
                WHEN r.endpoint = 'carts' THEN CASE r.field WHEN 'impressions' THEN 'product_views' ELSE 'cart_adds' END
                WHEN r.endpoint = 'pageviews' THEN 'pageviews'
                ELSE 'visits' END,
           r.before, r.after, r.moved, r.seen_at
      FROM restatements r
     CROSS JOIN LATERAL (
        SELECT NULL::date AS shown_from WHERE has_table_privilege(session_user, 'public.connectors', 'SELECT')
         UNION ALL
        SELECT m.shown_from FROM reader_malls m WHERE m.role_name = session_user AND m.mall_id = mall
         LIMIT 1) AS seen
     WHERE r.mall_id = mall AND r.granularity = 'day' AND r.before_state <> 'partial' AND r.before IS DISTINCT FROM r.after
       AND r.date >= coalesce(seen.shown_from, '-infinity')
$$;
COMMENT ON FUNCTION visible_restatements(text) IS 'Final figures of one mall that changed, as analytics.restatements shows them; no row for a mall that the reader may not see.';

CREATE VIEW analytics.restatements WITH (security_invoker = true) AS
SELECT mall_id, (r).shop_no, (r).endpoint, (r).day, (r).field, (r).before, (r).after, (r).moved, (r).seen_at
  FROM (SELECT mall_id, public.visible_restatements(mall_id) AS r FROM unnest(public.visible_malls()) AS visible (mall_id)) AS malls;
COMMENT ON VIEW analytics.restatements IS 'Final figures that changed later: one row for each mall, shop, endpoint, KST day and figure whose sum over the day''s rows moved, each time it moved. A running day that went on is no restatement and is not here. Products that changed places under the same sum are not here either.';
COMMENT ON COLUMN analytics.restatements.mall_id IS 'The mall.';
COMMENT ON COLUMN analytics.restatements.shop_no IS 'The shop of the mall; the first is 1.';
COMMENT ON COLUMN analytics.restatements.endpoint IS 'Which figures it is about, as in analytics.freshness.';
COMMENT ON COLUMN analytics.restatements.day IS 'The KST day whose figure changed, not the day on which that was seen.';
COMMENT ON COLUMN analytics.restatements.field IS 'visits, pageviews, orders, sales_amount, product_views, cart_adds; rows: how many rows the answer had.';
COMMENT ON COLUMN analytics.restatements.before IS 'The sum before (count or amount, as field says).';
COMMENT ON COLUMN analytics.restatements.after IS 'The sum after.';
COMMENT ON COLUMN analytics.restatements.moved IS 'After less before (signed). May be summed over the changes of one day and field, to its whole movement.';
COMMENT ON COLUMN analytics.restatements.seen_at IS 'When the new figure was first fetched (an instant): the change itself came at some time before.';
