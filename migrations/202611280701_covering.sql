-- Reports over millions of jobs are answered from indexes alone, of the table they would have to read every page.

-- What an ETA counts of jobs that wait (demand.sql): 60 bytes a waiting job, written whenever it is planned. In the order in
-- which they are sent, as before: the next first tries of a limiter key (feed_next.sql, feed_keys.sql), the turn of a new job
-- (plan_insert.sql).
DROP INDEX jobs_first_tries;
CREATE INDEX jobs_first_tries ON jobs (limiter_key, lane DESC, turn, mall_id)
    INCLUDE (not_before, run_id, shop_no, endpoint, granularity, start_date, end_date)
    WHERE work_state = 'planned' AND attempts = 0;

-- How far a run is (backfills.sql, run_progress.sql), and in which lanes its jobs are (backfills.sql).
DROP INDEX jobs_run;
CREATE INDEX jobs_run ON jobs (run_id, work_state, lane);
