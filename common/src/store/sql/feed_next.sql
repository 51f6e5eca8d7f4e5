-- feed_next.sql: the jobs to publish now, so that each key's window is full.
-- $1 limiter_key[] $2 window[]: most jobs of the key that may be with the broker and the workers; equal lengths
-- Fresh before backfill, then in turn (jobs_feed); delayed jobs are passed over. The count reads jobs_window: at most
-- one window of rows. Called by store/feed.rs only; nothing is locked: one feeder leads (feed/leader.rs), and a claim
-- decides in any case.
SELECT j.job_id, j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date, j.lane, j.requested_at,
       j.fence, k.limiter_key
  FROM unnest($1::text[], $2::bigint[]) AS k (limiter_key, window_size)
 CROSS JOIN LATERAL (
    SELECT count(*) AS jobs FROM jobs o
     WHERE o.limiter_key = k.limiter_key AND o.work_state IN ('queued', 'running')) AS outstanding
 CROSS JOIN LATERAL (
    SELECT * FROM jobs p
     WHERE p.limiter_key = k.limiter_key AND p.work_state = 'planned' AND p.not_before <= now()
     ORDER BY p.lane DESC, p.turn, p.mall_id
     LIMIT greatest(0, k.window_size - outstanding.jobs)) AS j
