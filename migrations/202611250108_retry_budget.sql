-- First tries and retries of a key are found apart, so that the feeder can hold retries to their share of the budget
-- without walking over the ones of either kind to find the other (feed_next.sql).

DROP INDEX jobs_feed;
-- The next first tries of a limiter key, fresh before backfill, in turn (feed_next.sql); the turn of a new job
-- (plan_insert.sql); which keys have planned jobs, by a loose scan of both (feed_keys.sql).
CREATE INDEX jobs_first_tries ON jobs (limiter_key, lane DESC, turn, mall_id) INCLUDE (not_before)
    WHERE work_state = 'planned' AND attempts = 0;
-- The next retries of a limiter key, likewise.
CREATE INDEX jobs_retries ON jobs (limiter_key, lane DESC, turn, mall_id) INCLUDE (not_before)
    WHERE work_state = 'planned' AND attempts > 0;
