-- win_slices.sql: records the slices of a batch, and keeps only those whose fetch is newer than what is stored.
-- $1 mall_id[] $2 shop_no[] $3 endpoint[] $4 granularity[] $5 day[] (one batch never holds a slice twice)
-- $6 fence[] (taken by the claim, before the fetch) $7 job_id[] $8 rows[] $9 checksum[] $10 partial[]
-- $11 impressions[] $12 clicks[] $13 conversions[] $14 conversion_value[]: sums of the rows; equal lengths
-- Returns the winners, one row each; a loser is no error: a newer fetch is already stored (docs/adr/0004).
--   changed: its figures are not those stored, so its metric rows are written   first: nothing was stored before
-- now() is the transaction's time, so `changed_at = now()` says "changed here". Locks in primary-key order so that two
-- batches cannot deadlock. What the figures were before they changed, a trigger keeps (slice_changed).
-- Index: slices_pkey. Called by store/commit.rs only.
INSERT INTO slices AS s (mall_id, shop_no, endpoint, granularity, date, fence, job_id, rows, checksum, data_state,
                         impressions, clicks, conversions, conversion_value)
SELECT mall_id, shop_no, endpoint, granularity, day, fence, job_id, rows, checksum,
       CASE WHEN partial THEN 'partial' ELSE 'complete' END,
       impressions, clicks, conversions, conversion_value
  FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::uuid[], $8::int[], $9::bigint[], $10::bool[],
              $11::bigint[], $12::bigint[], $13::bigint[], $14::numeric[])
       AS b (mall_id, shop_no, endpoint, granularity, day, fence, job_id, rows, checksum, partial, impressions, clicks, conversions, conversion_value)
 ORDER BY mall_id, shop_no, endpoint, granularity, day
ON CONFLICT (mall_id, shop_no, endpoint, granularity, date) DO UPDATE
   SET fence = excluded.fence,
       job_id = excluded.job_id,
       rows = excluded.rows,
       checksum = excluded.checksum,
       impressions = excluded.impressions,
       clicks = excluded.clicks,
       conversions = excluded.conversions,
       conversion_value = excluded.conversion_value,
       fetched_at = now(),
       changed_at = CASE WHEN s.checksum = excluded.checksum THEN s.changed_at ELSE now() END,
       data_state = CASE
           WHEN excluded.data_state = 'partial' THEN 'partial'
           WHEN s.data_state = 'restated' THEN 'restated'
           WHEN s.data_state = 'complete' AND s.checksum <> excluded.checksum THEN 'restated'
           ELSE 'complete'
       END
 WHERE s.fence < excluded.fence
RETURNING mall_id, shop_no, endpoint, granularity, date, changed_at = now() AS changed, first_fetched_at = now() AS first
