-- Days whose jobs wait in a lane that a person paused are paused, as those of a paused mall or endpoint are, and nobody is to
-- blame for them. Hours of backfills are no pause: what waits for them is queued.

CREATE VIEW paused_lanes AS
SELECT c.mall_id, p.lane FROM lane_pauses p CROSS JOIN connectors c
 UNION
SELECT c.mall_id, p.lane FROM scoped_lane_pauses p JOIN connectors c ON c.mall_id = p.mall_id
 UNION
SELECT c.mall_id, p.lane FROM scoped_lane_pauses p JOIN connectors c ON c.agency_id = p.agency_id;
COMMENT ON VIEW paused_lanes IS 'Lanes of which nothing of a mall is sent: paused for all malls, for its agency, or for itself. Ask it by mall_id.';
COMMENT ON COLUMN paused_lanes.mall_id IS 'The mall.';
COMMENT ON COLUMN paused_lanes.lane IS 'fresh or backfill.';

CREATE OR REPLACE VIEW live_slices AS
SELECT j.mall_id, j.shop_no, j.endpoint, day::date AS date,
       bool_or(j.work_state = 'running') AS running,
       bool_or(j.work_state = 'queued' OR j.work_state = 'planned' AND p.lane IS NULL) AS queued,
       bool_or(j.work_state = 'parked' OR j.work_state = 'planned' AND p.lane IS NOT NULL) AS parked,
       bool_and(j.work_state = 'planned' AND p.lane IS NOT NULL) AS held
  FROM jobs j
  LEFT JOIN paused_lanes p USING (mall_id, lane)
 CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, interval '1 day') AS day
 WHERE j.work_state IN ('planned', 'queued', 'running', 'parked') AND j.granularity = 'day'
 GROUP BY j.mall_id, j.shop_no, j.endpoint, day::date;
COMMENT ON COLUMN live_slices.queued IS 'It waits for its turn, for its next try, or for the hours of backfills.';
COMMENT ON COLUMN live_slices.parked IS 'It waits for its mall, for its endpoint, or in a lane that a person paused.';
COMMENT ON COLUMN live_slices.held IS 'It waits in a lane that a person paused, and nothing else is under way.';

CREATE OR REPLACE VIEW slice_coverage AS
SELECT w.mall_id, w.agency_id, w.shop_no, w.endpoint, day::date AS date,
       coalesce(s.data_state, 'missing') AS data_state,
       CASE
           WHEN l.running THEN 'running'
           WHEN l.queued THEN 'queued'
           WHEN l.parked THEN 'paused'
           WHEN d.died_at IS NOT NULL AND (s.data_state IS NULL OR s.data_state = 'partial' OR s.fetched_at < d.died_at) THEN 'failed'
           WHEN (s.data_state IS NULL OR s.data_state = 'partial') AND (w.state <> 'active' OR w.pause_cause IS NOT NULL) THEN 'paused'
           ELSE 'idle'
       END AS work_state,
       s.rows, s.first_fetched_at, s.fetched_at, s.changed_at,
       gap_is_excused(w.state, w.pause_cause, w.created_at, (SELECT due_at FROM freshness_clock)) OR coalesce(l.held, false) AS excused,
       l.mall_id IS NOT NULL AS in_job
  FROM wanted_series w
 CROSS JOIN LATERAL generate_series(w.wanted_from::timestamp, (now() AT TIME ZONE 'Asia/Seoul')::date::timestamp, interval '1 day') AS day
  LEFT JOIN slices s
    ON s.mall_id = w.mall_id AND s.shop_no = w.shop_no AND s.endpoint = w.endpoint AND s.granularity = 'day' AND s.date = day::date
  LEFT JOIN live_slices l
    ON l.mall_id = w.mall_id AND l.shop_no = w.shop_no AND l.endpoint = w.endpoint AND l.date = day::date
  LEFT JOIN dead_slices d
    ON d.mall_id = w.mall_id AND d.shop_no = w.shop_no AND d.endpoint = w.endpoint AND d.date = day::date
 WHERE w.counts;
COMMENT ON COLUMN slice_coverage.work_state IS 'idle: nothing is under way. queued: a job waits for its turn or its next try. running: a worker has it. failed: the last fetch failed for good (an open dead letter). paused: a job waits for its mall, its endpoint or in a paused lane, or nothing is asked for because of them.';
COMMENT ON COLUMN slice_coverage.excused IS 'Whether a gap is no fault: gap_is_excused, or its job waits in a lane that a person paused.';

CREATE OR REPLACE VIEW series_freshness AS
WITH counted AS (
    SELECT w.*, clock.*,
           w.wanted_from + nullif(have.reach, 0) - 1 AS complete_through,
           w.wanted_from + have.hole AS complete_since,
           coalesce(greatest(clock.yesterday - w.wanted_from + 1, 0) - have.complete, 0) AS gap_days,
           coalesce(greatest(clock.due_day - w.wanted_from + 1, 0) - have.complete_due, 0) AS due_days,
           work.jobs, work.history, dead.letters, dead.cause, held.gaps AS held_gaps, held.due AS held_due, held.lane AS held_lane
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
        SELECT count(*) AS jobs, count(*) FILTER (WHERE start_date < w.wanted_from) AS history
          FROM jobs
         WHERE mall_id = w.mall_id AND shop_no = w.shop_no AND endpoint = w.endpoint AND granularity = 'day'
           AND work_state IN ('planned', 'queued', 'running', 'parked')) AS work
     CROSS JOIN LATERAL (
        SELECT count(*) AS letters, (array_agg(d.cause ORDER BY d.died_at DESC))[1] AS cause
          FROM dead_letters d
         WHERE d.mall_id = w.mall_id AND d.shop_no = w.shop_no AND d.endpoint = w.endpoint AND d.state = 'open') AS dead
     CROSS JOIN LATERAL (
        -- Asked only where somebody paused a lane at all.
        SELECT count(*) AS gaps, count(*) FILTER (WHERE l.date <= clock.due_day) AS due,
               CASE WHEN count(*) > 0 THEN
                   (SELECT string_agg(p.lane, ' and ' ORDER BY p.lane DESC) FROM paused_lanes p WHERE p.mall_id = w.mall_id) END AS lane
          FROM live_slices l
         WHERE (EXISTS (SELECT FROM lane_pauses) OR EXISTS (SELECT FROM scoped_lane_pauses))
           AND l.held AND l.mall_id = w.mall_id AND l.shop_no = w.shop_no AND l.endpoint = w.endpoint
           AND l.date BETWEEN w.wanted_from AND clock.yesterday
           AND substr(w.days, l.date - w.wanted_from + 1, 1) IN ('m', 'p', '')
        OFFSET 0) AS held
), judged AS (
    -- The first that holds. A mall that came after the deadline has until the next one.
    SELECT *,
           CASE
               WHEN NOT counts THEN 'mode'
               WHEN state = 'paused' THEN 'mall_paused'
               WHEN state <> 'active' THEN 'mall_stopped'
               WHEN pause_cause = 'operator' THEN 'endpoint_paused'
               WHEN pause_cause IS NOT NULL THEN 'endpoint_broken'
               WHEN letters > 0 THEN 'dead'
               WHEN wanted_from IS NULL THEN CASE WHEN jobs > 0 THEN 'begins' ELSE 'never_asked' END
               WHEN gap_days = 0 THEN CASE WHEN history > 0 THEN 'history' ELSE 'fresh' END
               WHEN held_gaps > 0 AND (held_gaps = gap_days OR held_due = due_days AND due_days > 0) THEN 'lane_paused'
               WHEN due_days = 0 OR created_at > due_at THEN 'not_due'
               WHEN complete_through IS NULL OR complete_through < due_day THEN 'behind'
               WHEN jobs = 0 THEN 'forgotten'
               ELSE 'filling'
           END AS verdict
      FROM counted
)
SELECT mall_id, agency_id, shop_no, endpoint, wanted_from,
       CASE WHEN complete_through IS NULL THEN NULL
            WHEN gap_days = 0 THEN wanted_from
            ELSE complete_since END AS complete_since,
       complete_through, gap_days, last_success_at, jobs, letters,
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
           WHEN 'lane_paused' THEN format('lane %s is paused: nothing of it is sent', held_lane)
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
