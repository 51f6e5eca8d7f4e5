-- Histories of thousands of malls that come at once keep nothing waiting that is fresh.

ALTER TABLE schedule_ticks
    ADD COLUMN reached date,
    ADD COLUMN urgency smallint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN schedule IN ('window', 'today') OR (schedule = 'onboarding' AND last_at IS NULL) THEN 0
             WHEN schedule = 'onboarding' THEN 2
             ELSE 1 END) STORED;
COMMENT ON COLUMN schedule_ticks.reached IS 'First KST day of the history that has been planned so far: the rest goes backwards from here. NULL: nothing yet, or a schedule without a history.';
COMMENT ON COLUMN schedule_ticks.urgency IS '0: the last days, the running day, a new mall''s last week. 1: sweeps and gaps. 2: histories. What is due is planned in this order.';

-- What is due, by urgency (schedule_due.sql); once a minute what waits for longer than it can (schedule_align.sql).
DROP INDEX schedule_ticks_due;
CREATE INDEX schedule_ticks_due ON schedule_ticks (urgency, next_at, mall_id, schedule) WHERE next_at IS NOT NULL;
