-- What reports over ten thousand malls and two million jobs cost: nothing is counted where one row tells, and days under a pause are
-- compared as ranges, not one by one.

CREATE VIEW held_days AS
SELECT j.mall_id, j.shop_no, j.endpoint,
       range_agg(daterange(j.start_date, j.end_date, '[]'))
           - coalesce(range_agg(daterange(j.start_date, j.end_date, '[]')) FILTER (WHERE j.work_state <> 'planned' OR p.lane IS NULL), '{}') AS days
  FROM jobs j
  LEFT JOIN paused_lanes p USING (mall_id, lane)
 WHERE j.work_state IN ('planned', 'queued', 'running', 'parked') AND j.granularity = 'day'
 GROUP BY j.mall_id, j.shop_no, j.endpoint;
COMMENT ON VIEW held_days IS 'Days that wait in a lane that a person paused, and nothing else is under way for them (live_slices.held), as ranges: one row a mall, shop and endpoint with jobs. Ask it by all three. Index jobs_live.';
COMMENT ON COLUMN held_days.mall_id IS 'The mall.';
COMMENT ON COLUMN held_days.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN held_days.endpoint IS 'The endpoint.';
COMMENT ON COLUMN held_days.days IS 'The KST days; empty: none.';

-- As before: the same columns, the same words.
CREATE OR REPLACE VIEW series_freshness AS
WITH counted AS (
    SELECT w.*, clock.*,
           w.wanted_from + nullif(have.reach, 0) - 1 AS complete_through,
           w.wanted_from + have.hole AS complete_since,
           coalesce(greatest(clock.yesterday - w.wanted_from + 1, 0) - have.complete, 0) AS gap_days,
           coalesce(greatest(clock.due_day - w.wanted_from + 1, 0) - have.complete_due, 0) AS due_days,
           dead.letters, dead.cause
      FROM series_states w
     CROSS JOIN freshness_clock AS clock
     CROSS JOIN LATERAL (
        -- reach: letters up to the last complete day. hole: of these, up to the last that is not complete.
        SELECT length(translate(left(w.days, greatest(clock.yesterday - w.wanted_from + 1, 0)), 'mp', '')) AS complete,
               length(translate(left(w.days, greatest(clock.due_day - w.wanted_from + 1, 0)), 'mp', '')) AS complete_due,
               length(rtrim(w.days, 'mp')) AS reach,
               length(rtrim(rtrim(w.days, 'mp'), 'cr')) AS hole
        OFFSET 0) AS have
     CROSS JOIN LATERAL (
        SELECT count(*) AS letters, (array_agg(d.cause ORDER BY d.died_at DESC))[1] AS cause
          FROM dead_letters d
         WHERE d.mall_id = w.mall_id AND d.shop_no = w.shop_no AND d.endpoint = w.endpoint AND d.state = 'open') AS dead
), judged AS (
    -- The first that holds; what is behind it is not asked, so that no job is looked at where all is complete. A mall that came
    -- after the deadline has until the next one.
    SELECT counted.*, first.verdict
      FROM counted
     CROSS JOIN LATERAL (
        SELECT CASE
               WHEN NOT counts THEN 'mode'
               WHEN state = 'paused' THEN 'mall_paused'
               WHEN state <> 'active' THEN 'mall_stopped'
               WHEN pause_cause = 'operator' THEN 'endpoint_paused'
               WHEN pause_cause IS NOT NULL THEN 'endpoint_broken'
               WHEN letters > 0 THEN 'dead'
               WHEN wanted_from IS NULL THEN CASE WHEN EXISTS (
                    SELECT FROM jobs j
                     WHERE j.mall_id = counted.mall_id AND j.shop_no = counted.shop_no AND j.endpoint = counted.endpoint
                       AND j.granularity = 'day' AND j.work_state IN ('planned', 'queued', 'running', 'parked')) THEN 'begins' ELSE 'never_asked' END
               WHEN gap_days = 0 THEN CASE WHEN EXISTS (
                    SELECT FROM jobs j
                     WHERE j.mall_id = counted.mall_id AND j.shop_no = counted.shop_no AND j.endpoint = counted.endpoint
                       AND j.granularity = 'day' AND j.work_state IN ('planned', 'queued', 'running', 'parked')
                       AND j.start_date < counted.wanted_from) THEN 'history' ELSE 'fresh' END
               WHEN (EXISTS (SELECT FROM lane_pauses) OR EXISTS (SELECT FROM scoped_lane_pauses)) AND (
                    -- Of the days that are held those that are gaps: all of them, or all that are due.
                    SELECT sum(span.days) FILTER (WHERE span.days > 0) = gap_days OR sum(span.due) FILTER (WHERE span.due > 0) = due_days
                      FROM held_days h
                     CROSS JOIN LATERAL unnest(h.days) AS held (days)
                     CROSS JOIN LATERAL (
                        SELECT greatest(lower(held.days), wanted_from) AS first, least(upper(held.days) - 1, yesterday) AS last) AS cut
                     CROSS JOIN LATERAL (
                        SELECT cut.last - cut.first + 1
                                   - length(translate(substr(counted.days, cut.first - wanted_from + 1, greatest(cut.last - cut.first + 1, 0)), 'mp', '')) AS days,
                               least(cut.last, due_day) - cut.first + 1
                                   - length(translate(substr(counted.days, cut.first - wanted_from + 1, greatest(least(cut.last, due_day) - cut.first + 1, 0)), 'mp', '')) AS due) AS span
                     WHERE h.mall_id = counted.mall_id AND h.shop_no = counted.shop_no AND h.endpoint = counted.endpoint) THEN 'lane_paused'
               WHEN due_days = 0 OR created_at > due_at THEN 'not_due'
               WHEN complete_through IS NULL OR complete_through < due_day THEN 'behind'
               WHEN NOT EXISTS (
                    SELECT FROM jobs j
                     WHERE j.mall_id = counted.mall_id AND j.shop_no = counted.shop_no AND j.endpoint = counted.endpoint
                       AND j.granularity = 'day' AND j.work_state IN ('planned', 'queued', 'running', 'parked')) THEN 'forgotten'
               ELSE 'filling'
               END AS verdict
        OFFSET 0) AS first
)
SELECT mall_id, agency_id, shop_no, endpoint, wanted_from,
       CASE WHEN complete_through IS NULL THEN NULL
            WHEN gap_days = 0 THEN wanted_from
            ELSE complete_since END AS complete_since,
       complete_through, gap_days, last_success_at,
       -- Counted for whoever asks for it.
       (SELECT count(*) FROM jobs j
         WHERE j.mall_id = judged.mall_id AND j.shop_no = judged.shop_no AND j.endpoint = judged.endpoint AND j.granularity = 'day'
           AND j.work_state IN ('planned', 'queued', 'running', 'parked')) AS jobs,
       letters,
       CASE
           WHEN verdict IN ('mode', 'mall_paused', 'endpoint_paused') THEN 'paused'
           WHEN verdict IN ('mall_stopped', 'endpoint_broken', 'dead', 'never_asked') THEN 'needs_you'
           WHEN verdict IN ('behind', 'forgotten') THEN 'late'
           WHEN verdict = 'fresh' THEN 'fresh'
           ELSE 'catching_up'
       END AS status,
       CASE verdict
           WHEN 'mode' THEN 'the mode is not "api": nothing is sent'
           WHEN 'mall_paused' THEN concat_ws(': ', 'the mall is paused', nullif(state_reason, ''))
           WHEN 'mall_stopped' THEN concat_ws(': ', replace(state, '_', ' '), nullif(state_reason, ''))
           WHEN 'endpoint_paused' THEN concat_ws(': ', 'the endpoint is paused', nullif(pause_reason, ''))
           WHEN 'endpoint_broken' THEN concat_ws(': ', endpoint || ' is paused since the API changed', nullif(pause_reason, ''))
           WHEN 'dead' THEN format('%s failed for good: %s', CASE letters WHEN 1 THEN '1 job' ELSE letters || ' jobs' END, cause)
           WHEN 'never_asked' THEN 'no day was ever asked for'
           WHEN 'begins' THEN 'the first days are being fetched'
           WHEN 'history' THEN 'older days are being fetched'
           WHEN 'lane_paused' THEN format('lane %s is paused: nothing of it is sent',
                                      (SELECT string_agg(p.lane, ' and ' ORDER BY p.lane DESC) FROM paused_lanes p WHERE p.mall_id = judged.mall_id))
           WHEN 'not_due' THEN format('due by %s', to_char(fresh_by, 'HH24:MI'))
           WHEN 'behind' THEN CASE WHEN complete_through IS NULL THEN 'no day is complete yet' ELSE format('complete through %s only', complete_through) END
           WHEN 'forgotten' THEN format('%s missing before %s, and nothing fetches them', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END, complete_through)
           WHEN 'filling' THEN format('%s missing, being fetched', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END)
       END AS reason,
       CASE WHEN wanted_from > today OR wanted_from IS NULL THEN NULL
            WHEN substr(days, today - wanted_from + 1, 1) = 'p' THEN 'today_partial'
            WHEN substr(days, today - wanted_from + 1, 1) IN ('c', 'r') THEN 'complete'
            ELSE 'not_yet' END AS today_state
  FROM judged;

-- As before, and when a job was planned: what waits and since when is told with what an ETA counts (demand.sql), instead of from the
-- table. 8 bytes a waiting job.
DROP INDEX jobs_first_tries;
CREATE INDEX jobs_first_tries ON jobs (limiter_key, lane DESC, turn, mall_id)
    INCLUDE (not_before, run_id, shop_no, endpoint, granularity, start_date, end_date, requested_at)
    WHERE work_state = 'planned' AND attempts = 0;
