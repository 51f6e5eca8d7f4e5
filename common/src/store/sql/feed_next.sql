-- feed_next.sql: the jobs of which the feeder fills each key's window: its next first tries, and its next retries.
-- $1 limiter_key[] $2 window[]: most jobs of the key that may be with the broker and the workers; equal lengths
-- $3 $4: first and last lane of the key that is sent now, in the order of their names (backfill, fresh); equal lengths, too
-- $5 "lane mall"[]: what is left out all the same, of keys that several malls share
-- Of each kind as many as its lane has room for; which of them go is the feeder's to say (feed/budget.rs), no more than the room
-- of the key's first row.
-- Backfill jobs that are out take no room from fresh ones: where workers are slow a fresh job would wait for all of them.
-- Each kind fresh before backfill, then in turn (jobs_first_tries, jobs_retries); delayed jobs are passed over. The count reads
-- jobs_window: at most two windows of rows. Called by store/feed.rs only; nothing is locked: one feeder leads
-- (producer/src/duty), and a claim decides in any case.
SELECT j.job_id, j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date, j.lane, j.requested_at,
       j.fence, j.turn, j.attempts > 0 AS retry, k.limiter_key, l.room
  FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS k (limiter_key, window_size, first_lane, last_lane)
 CROSS JOIN LATERAL (
    SELECT greatest(0, k.window_size - count(*) FILTER (WHERE o.lane = 'fresh')) AS fresh,
           greatest(0, k.window_size - count(*)) AS backfill
      FROM jobs o
     WHERE o.limiter_key = k.limiter_key AND o.work_state IN ('queued', 'running')) AS room
 CROSS JOIN LATERAL (VALUES ('fresh', room.fresh), ('backfill', room.backfill)) AS l (lane, room)
 CROSS JOIN LATERAL (
    (SELECT * FROM jobs p
      WHERE p.limiter_key = k.limiter_key AND p.work_state = 'planned' AND p.attempts = 0 AND p.not_before <= now()
        AND p.lane = l.lane AND p.lane || ' ' || p.mall_id <> ALL ($5::text[])
      ORDER BY p.lane DESC, p.turn, p.mall_id
      LIMIT l.room)
    UNION ALL
    (SELECT * FROM jobs p
      WHERE p.limiter_key = k.limiter_key AND p.work_state = 'planned' AND p.attempts > 0 AND p.not_before <= now()
        AND p.lane = l.lane AND p.lane || ' ' || p.mall_id <> ALL ($5::text[])
      ORDER BY p.lane DESC, p.turn, p.mall_id
      LIMIT l.room)) AS j
 WHERE l.lane BETWEEN k.first_lane AND k.last_lane AND l.room > 0
 ORDER BY k.limiter_key, j.lane DESC, j.turn, j.mall_id
