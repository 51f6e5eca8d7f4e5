-- plan_letters.sql: the slices of dead letters that have to be fetched, in a table of this transaction; what
-- plan_wanted.sql is for a wish.
-- $1 mall_id[] $2 shop_no[] $3 limiter_key[] $4 endpoint[] $5 granularity[] $6 start[] $7 end[] (whole periods)
-- $8 died[]: a slice fetched completely at or after this time is satisfied; equal lengths, one element a chunk
-- Letters may want the same slice: it belongs to one chunk, and is satisfied only by a fetch after the last of them died.
-- A slice in a live job is satisfied too. Called by store/dead_letters/replay.rs only.
-- Both joins are by hash over these malls alone; indexes slices_pkey, jobs_live.
CREATE TEMPORARY TABLE plan_slices ON COMMIT DROP AS
WITH chunk AS (
    SELECT *
      FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[], $8::timestamptz[])
        AS c (mall_id, shop_no, limiter_key, endpoint, granularity, chunk_start, chunk_end, died_at)
), wanted AS (
    SELECT mall_id, shop_no, limiter_key, endpoint, granularity, min(chunk_start) AS chunk_start, day::date AS day,
           max(died_at) AS died_at
      FROM chunk
     CROSS JOIN LATERAL generate_series(chunk_start::timestamp, chunk_end::timestamp, ('1 ' || granularity)::interval) AS day
     GROUP BY mall_id, shop_no, limiter_key, endpoint, granularity, day
), have AS (
    SELECT mall_id, shop_no, endpoint, granularity, date AS day, fetched_at
      FROM slices
     WHERE mall_id = ANY ($1)
       AND date BETWEEN (SELECT min(day) FROM unnest($6::date[]) AS day) AND (SELECT max(day) FROM unnest($7::date[]) AS day)
       AND data_state IN ('complete', 'restated')
), live AS (
    SELECT DISTINCT j.mall_id, j.shop_no, j.endpoint, j.granularity, day::date AS day
      FROM jobs j
     CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, ('1 ' || j.granularity)::interval) AS day
     WHERE j.work_state IN ('planned', 'queued', 'running', 'parked')
       AND j.mall_id = ANY ($1)
)
SELECT wanted.mall_id, wanted.shop_no, wanted.limiter_key, wanted.endpoint, wanted.granularity, wanted.chunk_start, wanted.day,
       coalesce(have.fetched_at >= wanted.died_at, false) AS complete,
       live.mall_id IS NOT NULL AS in_work,
       false AS failed
  FROM wanted
  LEFT JOIN have USING (mall_id, shop_no, endpoint, granularity, day)
  LEFT JOIN live USING (mall_id, shop_no, endpoint, granularity, day)
