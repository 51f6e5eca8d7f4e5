-- plan_wanted.sql: the slices of a wish that have to be fetched, in a table of this transaction.
-- $1 mall_id[] $2 shop_no[] $3 limiter_key[]: the malls and shops; equal lengths
-- $4 endpoint[] $5 granularity[] $6 start[] $7 end[]: the chunks, whole periods; equal lengths
-- $8 asked: every slice fetched completely at or after this time is satisfied ('-infinity': any complete one is;
--    'infinity': none is, fetch again; a dead letter's time: what was fetched since is not fetched again)
-- A slice in a live job is satisfied too: that job will bring it. Called by store/plan.rs only.
-- Both anti joins are by hash over the wish's malls; indexes slices_pkey, jobs_live.
CREATE TEMPORARY TABLE plan_slices ON COMMIT DROP AS
WITH shop AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[]) AS s (mall_id, shop_no, limiter_key)
), chunk AS (
    SELECT * FROM unnest($4::text[], $5::text[], $6::date[], $7::date[]) AS c (endpoint, granularity, chunk_start, chunk_end)
), wanted AS (
    SELECT shop.*, chunk.endpoint, chunk.granularity, chunk.chunk_start, day::date AS day
      FROM shop
     CROSS JOIN chunk
     CROSS JOIN LATERAL generate_series(chunk_start::timestamp, chunk_end::timestamp, ('1 ' || chunk.granularity)::interval) AS day
), live AS (
    SELECT j.mall_id, j.shop_no, j.endpoint, j.granularity, day::date AS day
      FROM jobs j
     CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, ('1 ' || j.granularity)::interval) AS day
     WHERE j.work_state IN ('planned', 'queued', 'running', 'parked')
       AND j.mall_id = ANY ($1)
)
SELECT wanted.*,
       slices.mall_id IS NOT NULL AS complete,
       live.mall_id IS NOT NULL AS in_work
  FROM wanted
  LEFT JOIN slices
         ON (slices.mall_id, slices.shop_no, slices.endpoint, slices.granularity, slices.date)
          = (wanted.mall_id, wanted.shop_no, wanted.endpoint, wanted.granularity, wanted.day)
        AND slices.data_state IN ('complete', 'restated')
        AND slices.fetched_at >= $8::text::timestamptz
  LEFT JOIN (SELECT DISTINCT * FROM live) AS live
         ON (live.mall_id, live.shop_no, live.endpoint, live.granularity, live.day)
          = (wanted.mall_id, wanted.shop_no, wanted.endpoint, wanted.granularity, wanted.day)
