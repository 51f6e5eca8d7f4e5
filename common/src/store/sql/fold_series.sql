-- fold_series.sql: reads some of the marked series from slices anew, and takes their marks away. $1 at most so many series
-- One snapshot: a mark that it sees belongs to a change that it sees, and both are gone together; a mark that came later stays.
-- So it must begin after the fold before it has ended, which store/tally.rs's lock sees to: an older snapshot would undo a
-- newer one. Marks are deleted by no one else, and nobody waits for series_days. Index series_changed_series.
-- Returns how many series were folded. Called by store/tally.rs only.
WITH due AS (
    SELECT mall_id, shop_no, endpoint FROM series_changed GROUP BY mall_id, shop_no, endpoint LIMIT $1
), unmarked AS (
    DELETE FROM series_changed c USING due WHERE c.mall_id = due.mall_id AND c.shop_no = due.shop_no AND c.endpoint = due.endpoint
), truth AS (
    SELECT due.*, t.first_day, t.days, t.last_success_at
      FROM due
      LEFT JOIN LATERAL (
        SELECT * FROM series_truth s WHERE s.mall_id = due.mall_id AND s.shop_no = due.shop_no AND s.endpoint = due.endpoint
        OFFSET 0) AS t ON true
), emptied AS (
    DELETE FROM series_days k USING truth t
     WHERE t.first_day IS NULL AND k.mall_id = t.mall_id AND k.shop_no = t.shop_no AND k.endpoint = t.endpoint
), kept AS (
    INSERT INTO series_days AS k (mall_id, shop_no, endpoint, first_day, days, last_success_at)
    SELECT mall_id, shop_no, endpoint, first_day, days, last_success_at FROM truth WHERE first_day IS NOT NULL
    ON CONFLICT (mall_id, shop_no, endpoint) DO UPDATE
       SET first_day = excluded.first_day, days = excluded.days, last_success_at = excluded.last_success_at, folded_at = now()
)
SELECT count(*) FROM due
