-- Restatement is measured: what a day's figures were before, when that was seen, and how far they moved (docs/adr/0016).
--
-- A slice holds the sums of its rows; when its figures change, what they were moves here. So a first fetch costs no row,
-- an unchanged one none either, and a year of backfill leaves this table empty. A trigger does it, since it alone sees
-- the row that is replaced under the lock that replaces it.

ALTER TABLE slices
    ADD COLUMN impressions      bigint,
    ADD COLUMN clicks           bigint,
    ADD COLUMN conversions      bigint,
    ADD COLUMN conversion_value numeric;
COMMENT ON COLUMN slices.impressions IS 'Sum of the rows'' impressions, if the endpoint fills them; NULL also for what was last changed before version 0.1.0 kept sums.';
COMMENT ON COLUMN slices.clicks IS 'Sum of the rows'' clicks, likewise.';
COMMENT ON COLUMN slices.conversions IS 'Sum of the rows'' conversions, likewise.';
COMMENT ON COLUMN slices.conversion_value IS 'Sum of the rows'' conversion_value, likewise.';

CREATE TABLE slice_versions (
    mall_id          text NOT NULL,
    shop_no          integer NOT NULL,
    endpoint         text NOT NULL,
    granularity      text NOT NULL,
    date             date NOT NULL,
    fence            bigint NOT NULL,
    data_state       text NOT NULL,
    rows             integer NOT NULL,
    impressions      bigint,
    clicks           bigint,
    conversions      bigint,
    conversion_value numeric,
    seen_at          timestamptz NOT NULL,
    confirmed_at     timestamptz NOT NULL,
    replaced_at      timestamptz NOT NULL,
    PRIMARY KEY (mall_id, shop_no, endpoint, granularity, date, fence)
);
-- What is old enough to be forgotten, partial ones sooner (prune_versions.sql).
CREATE INDEX slice_versions_replaced ON slice_versions (replaced_at);
CREATE INDEX slice_versions_partial ON slice_versions (replaced_at) WHERE data_state = 'partial';
COMMENT ON TABLE slice_versions IS 'What the figures of slices were before they changed: one row for each set of figures that a later fetch replaced. The present ones are in slices. Kept for coverage.keep_versions, partial ones for coverage.keep_partial.';
COMMENT ON COLUMN slice_versions.mall_id IS 'The mall.';
COMMENT ON COLUMN slice_versions.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN slice_versions.endpoint IS 'The endpoint.';
COMMENT ON COLUMN slice_versions.granularity IS 'day, week or month.';
COMMENT ON COLUMN slice_versions.date IS 'The KST day, the Monday of the week, or the first day of the month.';
COMMENT ON COLUMN slice_versions.fence IS 'The last fetch that brought these figures; orders the versions of a slice.';
COMMENT ON COLUMN slice_versions.data_state IS 'What they were called: partial, complete or restated.';
COMMENT ON COLUMN slice_versions.rows IS 'Rows of the answer.';
COMMENT ON COLUMN slice_versions.impressions IS 'Sum of the rows'' impressions, if the endpoint fills them.';
COMMENT ON COLUMN slice_versions.clicks IS 'Sum of the rows'' clicks, likewise.';
COMMENT ON COLUMN slice_versions.conversions IS 'Sum of the rows'' conversions, likewise.';
COMMENT ON COLUMN slice_versions.conversion_value IS 'Sum of the rows'' conversion_value, likewise.';
COMMENT ON COLUMN slice_versions.seen_at IS 'When these figures were first seen.';
COMMENT ON COLUMN slice_versions.confirmed_at IS 'When a fetch last brought the same.';
COMMENT ON COLUMN slice_versions.replaced_at IS 'When a fetch brought others.';

CREATE FUNCTION slice_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO slice_versions (mall_id, shop_no, endpoint, granularity, date, fence, data_state, rows, impressions, clicks,
                                conversions, conversion_value, seen_at, confirmed_at, replaced_at)
    VALUES (OLD.mall_id, OLD.shop_no, OLD.endpoint, OLD.granularity, OLD.date, OLD.fence, OLD.data_state, OLD.rows, OLD.impressions,
            OLD.clicks, OLD.conversions, OLD.conversion_value, OLD.changed_at, OLD.fetched_at, NEW.fetched_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION slice_changed() IS 'Keeps the figures that a fetch replaces.';
CREATE TRIGGER slice_changed AFTER UPDATE OF checksum ON slices
    FOR EACH ROW WHEN (OLD.checksum <> NEW.checksum) EXECUTE FUNCTION slice_changed();

CREATE VIEW restatements AS
SELECT v.mall_id, v.shop_no, v.endpoint, v.granularity, v.date, change.field, change.before, change.after,
       change.after - change.before AS moved,
       (change.after - change.before) / nullif(change.before, 0) AS relative,
       v.data_state AS before_state, n.data_state AS after_state,
       v.seen_at AS before_seen_at, v.confirmed_at AS before_confirmed_at, v.replaced_at AS seen_at,
       extract(epoch FROM v.replaced_at - (v.date::timestamp + ('1 ' || v.granularity)::interval) AT TIME ZONE 'Asia/Seoul') / 86400 AS age_days
  FROM slice_versions v
 CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT fence, data_state, rows, impressions, clicks, conversions, conversion_value
          FROM slice_versions
         WHERE (mall_id, shop_no, endpoint, granularity, date) = (v.mall_id, v.shop_no, v.endpoint, v.granularity, v.date) AND fence > v.fence
        UNION ALL
        SELECT fence, data_state, rows, impressions, clicks, conversions, conversion_value
          FROM slices
         WHERE (mall_id, shop_no, endpoint, granularity, date) = (v.mall_id, v.shop_no, v.endpoint, v.granularity, v.date)) AS later
     ORDER BY fence LIMIT 1) AS n
 CROSS JOIN LATERAL (VALUES
    ('rows', v.rows::numeric, n.rows::numeric),
    ('impressions', v.impressions, n.impressions),
    ('clicks', v.clicks, n.clicks),
    ('conversions', v.conversions, n.conversions),
    ('conversion_value', v.conversion_value, n.conversion_value)) AS change (field, before, after)
 WHERE change.before IS NOT NULL OR change.after IS NOT NULL;
COMMENT ON VIEW restatements IS 'Every change of a slice''s figures: one row for each of its sums, before and after, also those that stayed (products may have changed places). A change whose before_state is partial is a day that went on, not a restatement.';
COMMENT ON COLUMN restatements.mall_id IS 'The mall.';
COMMENT ON COLUMN restatements.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN restatements.endpoint IS 'The endpoint.';
COMMENT ON COLUMN restatements.granularity IS 'day, week or month.';
COMMENT ON COLUMN restatements.date IS 'The KST day, the Monday of the week, or the first day of the month.';
COMMENT ON COLUMN restatements.field IS 'The column of metrics_daily whose sum this is; rows: how many rows the answer had.';
COMMENT ON COLUMN restatements.before IS 'The sum before.';
COMMENT ON COLUMN restatements.after IS 'The sum after.';
COMMENT ON COLUMN restatements.moved IS 'After less before.';
COMMENT ON COLUMN restatements.relative IS 'The same as a share of before; NULL where that was 0.';
COMMENT ON COLUMN restatements.before_state IS 'What the figures before were called: partial, complete or restated.';
COMMENT ON COLUMN restatements.after_state IS 'What the figures after are called.';
COMMENT ON COLUMN restatements.before_seen_at IS 'When the figures before were first seen.';
COMMENT ON COLUMN restatements.before_confirmed_at IS 'When they were last seen: the change came after it, up to seen_at.';
COMMENT ON COLUMN restatements.seen_at IS 'When the figures after were first seen.';
COMMENT ON COLUMN restatements.age_days IS 'How long after the end of the period (KST) that was, in days.';

CREATE VIEW slice_moves AS
SELECT s.mall_id, s.shop_no, s.endpoint, s.date, age.after_days, s.changed_at > moment.at AS changed,
       field.name AS field, field.known, field.present,
       (field.present - field.known) / nullif(field.known, 0) AS relative
  FROM slices s
 CROSS JOIN (VALUES (1), (2), (3), (7)) AS age (after_days)
 CROSS JOIN LATERAL (SELECT (s.date + 1 + age.after_days)::timestamp AT TIME ZONE 'Asia/Seoul' AS at) AS moment
 CROSS JOIN LATERAL (
    SELECT s.impressions, s.clicks, s.conversions, s.conversion_value WHERE s.changed_at <= moment.at
    UNION ALL
    SELECT v.impressions, v.clicks, v.conversions, v.conversion_value
      FROM slice_versions v
     WHERE s.changed_at > moment.at
       AND (v.mall_id, v.shop_no, v.endpoint, v.granularity, v.date) = (s.mall_id, s.shop_no, s.endpoint, s.granularity, s.date)
       AND v.seen_at <= moment.at AND v.replaced_at > moment.at AND v.data_state <> 'partial') AS known
  LEFT JOIN LATERAL (VALUES
    ('impressions', known.impressions::numeric, s.impressions::numeric),
    ('clicks', known.clicks, s.clicks),
    ('conversions', known.conversions, s.conversions),
    ('conversion_value', known.conversion_value, s.conversion_value)) AS field (name, known, present)
    ON field.known IS NOT NULL AND field.present IS NOT NULL
 WHERE s.granularity = 'day' AND s.data_state <> 'partial' AND s.first_fetched_at <= moment.at AND s.fetched_at > moment.at;
COMMENT ON VIEW slice_moves IS 'What a window that ends 1, 2, 3 or 7 days after a day would have missed: for each complete day that was fetched before that age and again after it, the sums as known at that age and as they are now. A day that was not fetched again since tells nothing and is absent.';
COMMENT ON COLUMN slice_moves.mall_id IS 'The mall.';
COMMENT ON COLUMN slice_moves.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN slice_moves.endpoint IS 'The endpoint.';
COMMENT ON COLUMN slice_moves.date IS 'The KST day.';
COMMENT ON COLUMN slice_moves.after_days IS 'Age in days after the day''s end: 1, 2, 3 or 7.';
COMMENT ON COLUMN slice_moves.changed IS 'Whether any figure changed after that age.';
COMMENT ON COLUMN slice_moves.field IS 'The column of metrics_daily whose sum this is; NULL: the endpoint has none.';
COMMENT ON COLUMN slice_moves.known IS 'The sum as known at that age.';
COMMENT ON COLUMN slice_moves.present IS 'The sum as it is now.';
COMMENT ON COLUMN slice_moves.relative IS 'How far it moved since, as a share of what was known; NULL where that was 0.';

CREATE VIEW restatement_ages AS
SELECT endpoint, field, after_days, count(*) AS slices, count(*) FILTER (WHERE changed) AS changed,
       count(*) FILTER (WHERE changed)::numeric / count(*) AS share,
       avg(abs(relative)) AS mean_move, max(abs(relative)) AS max_move,
       sum(present) / nullif(sum(known), 0) - 1 AS total_move
  FROM slice_moves
 GROUP BY endpoint, field, after_days;
COMMENT ON VIEW restatement_ages IS 'How much still changes after 1, 2, 3 and 7 days, by endpoint: what the trailing window (schedule.lookback) is argued from.';
COMMENT ON COLUMN restatement_ages.endpoint IS 'The endpoint.';
COMMENT ON COLUMN restatement_ages.field IS 'The column of metrics_daily.';
COMMENT ON COLUMN restatement_ages.after_days IS 'Age in days after the day''s end.';
COMMENT ON COLUMN restatement_ages.slices IS 'Days that were fetched before that age and again after it.';
COMMENT ON COLUMN restatement_ages.changed IS 'Of these, how many changed after it.';
COMMENT ON COLUMN restatement_ages.share IS 'The same as a share.';
COMMENT ON COLUMN restatement_ages.mean_move IS 'Mean of how far a day''s sum moved after it, up or down, as a share of what was known; days that stayed count as 0.';
COMMENT ON COLUMN restatement_ages.max_move IS 'The farthest.';
COMMENT ON COLUMN restatement_ages.total_move IS 'How far the sum over all these days moved, with its sign.';

CREATE VIEW partial_shares AS
SELECT v.endpoint, field.name AS field,
       floor(extract(epoch FROM v.confirmed_at - v.date::timestamp AT TIME ZONE 'Asia/Seoul') / 3600)::integer AS hour,
       count(*) AS versions, avg(field.early / field.final) AS mean_share, min(field.early / field.final) AS min_share,
       max(field.early / field.final) AS max_share
  FROM slice_versions v
  JOIN slices s USING (mall_id, shop_no, endpoint, granularity, date)
 CROSS JOIN LATERAL (VALUES
    ('impressions', v.impressions::numeric, s.impressions::numeric),
    ('clicks', v.clicks, s.clicks),
    ('conversions', v.conversions, s.conversions),
    ('conversion_value', v.conversion_value, s.conversion_value)) AS field (name, early, final)
 WHERE v.granularity = 'day' AND v.data_state = 'partial' AND s.data_state <> 'partial' AND field.final > 0
 GROUP BY v.endpoint, field.name, hour;
COMMENT ON VIEW partial_shares IS 'How much of a day''s final figures a partial fetch had, by the hour at which it was made.';
COMMENT ON COLUMN partial_shares.endpoint IS 'The endpoint.';
COMMENT ON COLUMN partial_shares.field IS 'The column of metrics_daily.';
COMMENT ON COLUMN partial_shares.hour IS 'Whole hours from the day''s beginning (KST) to the fetch; 24 and more: after it, before the figures were settled.';
COMMENT ON COLUMN partial_shares.versions IS 'Partial figures that were replaced by final ones.';
COMMENT ON COLUMN partial_shares.mean_share IS 'Their mean share of the final sum.';
COMMENT ON COLUMN partial_shares.min_share IS 'The least.';
COMMENT ON COLUMN partial_shares.max_share IS 'The greatest; above 1 the final figure was lower.';
