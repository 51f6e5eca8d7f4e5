-- feed_keys.sql: every limiter key that has planned jobs of a lane that is sent now.
-- $1 $2: first and last such lane, in the order of their names (backfill, fresh); the other way round: none
-- $3 limiter_key[] $4 $5: first and last lane of keys with other ones; equal lengths
-- A loose scan of jobs_first_tries and jobs_retries: one index probe of each a key, however deep the backlog is. Which of
-- them are due is feed_next.sql's question.
-- Called by store/feed.rs, at the feeder's start and at each sweep.
WITH RECURSIVE keys AS (
    SELECT least((SELECT min(limiter_key) FROM jobs WHERE work_state = 'planned' AND attempts = 0),
                 (SELECT min(limiter_key) FROM jobs WHERE work_state = 'planned' AND attempts > 0)) AS limiter_key
    UNION ALL
    SELECT least((SELECT j.limiter_key FROM jobs j
                   WHERE j.work_state = 'planned' AND j.attempts = 0 AND j.limiter_key > keys.limiter_key
                   ORDER BY j.limiter_key LIMIT 1),
                 (SELECT j.limiter_key FROM jobs j
                   WHERE j.work_state = 'planned' AND j.attempts > 0 AND j.limiter_key > keys.limiter_key
                   ORDER BY j.limiter_key LIMIT 1))
      FROM keys
     WHERE keys.limiter_key IS NOT NULL
)
SELECT limiter_key FROM keys
  LEFT JOIN unnest($3::text[], $4::text[], $5::text[]) AS own (limiter_key, first_lane, last_lane) USING (limiter_key)
 WHERE limiter_key IS NOT NULL
   AND (EXISTS (SELECT FROM jobs j
                 WHERE j.limiter_key = keys.limiter_key AND j.work_state = 'planned' AND j.attempts = 0
                   AND j.lane BETWEEN coalesce(own.first_lane, $1) AND coalesce(own.last_lane, $2))
        OR EXISTS (SELECT FROM jobs j
                    WHERE j.limiter_key = keys.limiter_key AND j.work_state = 'planned' AND j.attempts > 0
                      AND j.lane BETWEEN coalesce(own.first_lane, $1) AND coalesce(own.last_lane, $2)))
