-- feed_keys.sql: every limiter key that has planned jobs.
-- A loose scan of jobs_feed: one index probe a key, however deep the backlog is. Which of them
-- are due is feed_next.sql's question.
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
