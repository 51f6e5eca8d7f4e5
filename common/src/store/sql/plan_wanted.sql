-- plan_wanted.sql: the slices of a wish that have to be fetched, in a table of this transaction.
-- $1 mall_id[] $2 shop_no[] $3 limiter_key[]: the malls and shops; equal lengths
-- $4 endpoint[] $5 granularity[] $6 start[] $7 end[]: the chunks, whole periods; equal lengths
-- $8 asked: every slice fetched completely at or after this time is satisfied ('-infinity': any complete one is;
--    'infinity': none is, fetch again; a dead letter's time: what was fetched since is not fetched again)
-- $9 whether days of open dead letters are left to whoever decides about them (failed; view dead_slices)
-- A slice in a live job is satisfied too: that job will bring it (carriers: plan_carriers.sql). Called by store/plan.rs only.
-- Both joins are by hash over the wish's malls alone; indexes slices_pkey, jobs_live.
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
), have AS (
    SELECT mall_id, shop_no, endpoint, granularity, date AS day
      FROM slices
     WHERE mall_id = ANY ($1)
       AND date BETWEEN (SELECT min(day) FROM unnest($6::date[]) AS day) AND (SELECT max(day) FROM unnest($7::date[]) AS day)
       AND data_state IN ('complete', 'restated')
       AND fetched_at >= $8::text::timestamptz
), live AS (
    SELECT j.mall_id, j.shop_no, j.endpoint, j.granularity, day::date AS day, array_agg(j.job_id) AS carriers
      FROM jobs j
     CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, ('1 ' || j.granularity)::interval) AS day
     WHERE j.work_state IN ('planned', 'queued', 'running', 'parked')
       AND j.mall_id = ANY ($1)
     GROUP BY 1, 2, 3, 4, 5
), dead AS (
    SELECT mall_id, shop_no, endpoint, 'day' AS granularity, date AS day FROM dead_slices WHERE $9 AND mall_id = ANY ($1)
)
SELECT wanted.*,
       have.mall_id IS NOT NULL AS complete,
       live.mall_id IS NOT NULL AS in_work, live.carriers,
       dead.mall_id IS NOT NULL AND have.mall_id IS NULL AND live.mall_id IS NULL AS failed
  FROM wanted
  LEFT JOIN have USING (mall_id, shop_no, endpoint, granularity, day)
  LEFT JOIN live USING (mall_id, shop_no, endpoint, granularity, day)
  LEFT JOIN dead USING (mall_id, shop_no, endpoint, granularity, day)
