-- plan_gaps.sql: what is wanted of malls, in a table of this transaction; what plan_wanted.sql is for a wish with days.
-- $1 mall_id[] $2 limiter_key[] $8 shop_no[]: the malls and shops; equal lengths
-- $3 endpoint[] $4 the most days of a request to it[] $5 its first day[] $6 its last day[]; equal lengths; each has its own
-- days, since half of a mall's chunks may end in the midst of an endpoint
-- $7 whether days of open dead letters are left to whoever decides about them (failed)
-- A chunk begins with a gap, not at a fixed day: a short gap is one request. A slice in a live job is satisfied (carriers:
-- plan_carriers.sql).
-- View slice_coverage, asked shop by shop. Called by store/plan/gaps.rs only.
CREATE TEMPORARY TABLE plan_slices ON COMMIT DROP AS
WITH mall AS (
    SELECT * FROM unnest($1::text[], $2::text[], $8::int[]) AS m (mall_id, limiter_key, shop_no)
), chunk AS (
    SELECT * FROM unnest($3::text[], $4::int[], $5::date[], $6::date[]) AS c (endpoint, max_days, first, last)
), wanted AS (
    SELECT mall.mall_id, days.shop_no, mall.limiter_key, days.endpoint, chunk.max_days, days.date AS day, days.in_job,
           days.data_state IN ('complete', 'restated') AS complete,
           days.work_state = 'failed' AND days.data_state IN ('missing', 'partial') AND $7 AS failed
      FROM mall
     CROSS JOIN LATERAL (
        SELECT * FROM slice_coverage c
         WHERE c.mall_id = mall.mall_id AND c.shop_no = mall.shop_no
           AND c.date BETWEEN (SELECT min(first) FROM chunk) AND (SELECT max(last) FROM chunk)
        OFFSET 0) AS days
      JOIN chunk ON chunk.endpoint = days.endpoint AND days.date BETWEEN chunk.first AND chunk.last
), live AS (
    SELECT j.mall_id, j.shop_no, j.endpoint, day::date AS day, array_agg(j.job_id) AS carriers
      FROM jobs j
     CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, interval '1 day') AS day
     WHERE j.work_state IN ('planned', 'queued', 'running', 'parked') AND j.granularity = 'day' AND j.mall_id = ANY ($1)
     GROUP BY 1, 2, 3, 4
), begun AS (
    SELECT *, min(day) FILTER (WHERE NOT complete AND NOT in_job AND NOT failed) OVER series AS begin
      FROM wanted
    WINDOW series AS (PARTITION BY mall_id, shop_no, endpoint)
)
SELECT mall_id, shop_no, limiter_key, endpoint, 'day'::text AS granularity,
       coalesce(begin + (day - begin) / max_days * max_days, day) AS chunk_start, day,
       complete, in_job AS in_work, failed, live.carriers
  FROM begun
  LEFT JOIN live USING (mall_id, shop_no, endpoint, day)
