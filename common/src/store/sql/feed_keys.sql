-- feed_keys.sql: every limiter key that has planned jobs, and when its next one is due.
-- A loose scan of jobs_feed: one index probe a key, however deep the backlog is. The time is that of the first job in
-- turn; a key whose head is delayed is looked at again by feed_next.sql whenever the feeder sweeps.
-- Called by store/feed.rs, at the feeder's start and at each sweep.
WITH RECURSIVE keys AS (
    (SELECT limiter_key FROM jobs WHERE work_state = 'planned' ORDER BY limiter_key LIMIT 1)
    UNION ALL
    SELECT (SELECT j.limiter_key FROM jobs j
             WHERE j.work_state = 'planned' AND j.limiter_key > keys.limiter_key
             ORDER BY j.limiter_key LIMIT 1)
      FROM keys
     WHERE keys.limiter_key IS NOT NULL
)
SELECT limiter_key FROM keys WHERE limiter_key IS NOT NULL
