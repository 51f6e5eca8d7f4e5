-- What is there, what is being done, and what a mall is: said once, for the command line, alerts and analysts.
--
-- All of it is plain views over tables, not functions that read tables: the tables under a view are read with its
-- owner's rights, those in a function with the caller's, and analysts may read views only. Ask them by mall_id (and by
-- date): both reach the indexes. In a list of malls that is a LATERAL by mall_id, since Postgres carries an equality
-- into every join and nothing else.
--
-- Two facts, never one (slice_coverage): what is there does not tell what is being done. A failed refresh of a day that
-- has data is complete and failed; a run that starts makes nothing fresh.

ALTER TABLE deployment ADD COLUMN fresh_by time NOT NULL DEFAULT '09:00';
COMMENT ON COLUMN deployment.fresh_by IS 'When yesterday has to be complete, KST; the daemon keeps it in step with schedule.deadline. After it a mall is late.';

CREATE VIEW freshness_clock AS
SELECT today, today - 1 AS yesterday, due_day, (due_day + 1 + fresh_by) AT TIME ZONE 'Asia/Seoul' AS due_at, fresh_by
  FROM (SELECT (now() AT TIME ZONE 'Asia/Seoul')::date AS today, fresh_by,
               (now() AT TIME ZONE 'Asia/Seoul')::date
                   - CASE WHEN (now() AT TIME ZONE 'Asia/Seoul')::time >= fresh_by THEN 1 ELSE 2 END AS due_day
          FROM deployment) AS day;
COMMENT ON VIEW freshness_clock IS 'One row: what day it is in Korea, and through which day everything has to be complete by now.';
COMMENT ON COLUMN freshness_clock.today IS 'The KST day.';
COMMENT ON COLUMN freshness_clock.yesterday IS 'The day before.';
COMMENT ON COLUMN freshness_clock.due_day IS 'The last day that has to be complete: yesterday after the deadline, the day before that until then.';
COMMENT ON COLUMN freshness_clock.due_at IS 'When it had to be.';
COMMENT ON COLUMN freshness_clock.fresh_by IS 'The deadline, KST.';

CREATE VIEW wanted_series AS
SELECT c.mall_id, c.agency_id, shop.shop_no, e.endpoint, coalesce(c.wanted_from, first.day) AS wanted_from,
       c.config_json ->> 'mode' = 'api' AS counts,
       c.state, c.state_reason, c.created_at, p.cause AS pause_cause, p.reason AS pause_reason
  FROM connectors c
 CROSS JOIN LATERAL unnest(c.shops) AS shop (shop_no)
 CROSS JOIN LATERAL unnest(c.endpoints) AS e (endpoint)
  LEFT JOIN LATERAL (
    SELECT min(oldest.date) AS day
      FROM unnest(c.shops) AS s (shop_no)
     CROSS JOIN unnest(c.endpoints) AS e (endpoint)
     CROSS JOIN LATERAL (
        SELECT date FROM slices
         WHERE mall_id = c.mall_id AND shop_no = s.shop_no AND endpoint = e.endpoint AND granularity = 'day'
         ORDER BY date LIMIT 1) AS oldest
     WHERE c.wanted_from IS NULL) AS first ON true
  -- As waits_for says it; a mall's own pause goes before one of all malls.
  LEFT JOIN LATERAL (
    SELECT cause, reason FROM endpoint_pauses
     WHERE ended_at IS NULL AND endpoint = e.endpoint
       AND (mall_id IS NULL OR mall_id = c.mall_id) AND (dialect IS NULL OR dialect = c.dialect)
     ORDER BY mall_id NULLS LAST, pause_id LIMIT 1) AS p ON true;
COMMENT ON VIEW wanted_series IS 'What is wanted of each mall: one row for each of its shops and endpoints, from which KST day on, and what keeps it from being fetched.';
COMMENT ON COLUMN wanted_series.mall_id IS 'The mall.';
COMMENT ON COLUMN wanted_series.agency_id IS 'Its agency.';
COMMENT ON COLUMN wanted_series.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN wanted_series.endpoint IS 'The endpoint.';
COMMENT ON COLUMN wanted_series.wanted_from IS 'First KST day that is wanted: connectors.wanted_from, else the first day that was ever fetched of the mall; NULL: nothing yet.';
COMMENT ON COLUMN wanted_series.counts IS 'Whether requests are sent at all (mode "api"); of other malls nothing is wanted.';
COMMENT ON COLUMN wanted_series.state IS 'State of the connection (connectors.state).';
COMMENT ON COLUMN wanted_series.state_reason IS 'Why it is not active.';
COMMENT ON COLUMN wanted_series.created_at IS 'When the mall was first imported.';
COMMENT ON COLUMN wanted_series.pause_cause IS 'Why the endpoint is paused (endpoint_pauses.cause); NULL: it is not.';
COMMENT ON COLUMN wanted_series.pause_reason IS 'The same in words.';

CREATE VIEW live_slices AS
SELECT j.mall_id, j.shop_no, j.endpoint, day::date AS date,
       bool_or(j.work_state = 'running') AS running,
       bool_or(j.work_state IN ('planned', 'queued')) AS queued,
       bool_or(j.work_state = 'parked') AS parked
  FROM jobs j
 CROSS JOIN LATERAL generate_series(j.start_date::timestamp, j.end_date::timestamp, interval '1 day') AS day
 WHERE j.work_state IN ('planned', 'queued', 'running', 'parked') AND j.granularity = 'day'
 GROUP BY j.mall_id, j.shop_no, j.endpoint, day::date;
COMMENT ON VIEW live_slices IS 'Days that a job is about to bring, by mall, shop and endpoint. Index jobs_live.';
COMMENT ON COLUMN live_slices.mall_id IS 'The mall.';
COMMENT ON COLUMN live_slices.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN live_slices.endpoint IS 'The endpoint.';
COMMENT ON COLUMN live_slices.date IS 'The KST day.';
COMMENT ON COLUMN live_slices.running IS 'A worker has it.';
COMMENT ON COLUMN live_slices.queued IS 'It waits for its turn, or for its next try.';
COMMENT ON COLUMN live_slices.parked IS 'It waits for its mall or for its endpoint.';

CREATE VIEW dead_slices AS
SELECT d.mall_id, d.shop_no, d.endpoint, day::date AS date, max(d.died_at) AS died_at,
       (array_agg(d.class ORDER BY d.died_at DESC))[1] AS class
  FROM dead_letters d
 CROSS JOIN LATERAL generate_series(d.start_date::timestamp, d.end_date::timestamp, interval '1 day') AS day
 WHERE d.state = 'open' AND d.granularity = 'day'
 GROUP BY d.mall_id, d.shop_no, d.endpoint, day::date;
COMMENT ON VIEW dead_slices IS 'Days whose fetch failed for good and that nobody has replayed or discarded, by mall, shop and endpoint. Index dead_letters_mall.';
COMMENT ON COLUMN dead_slices.mall_id IS 'The mall.';
COMMENT ON COLUMN dead_slices.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN dead_slices.endpoint IS 'The endpoint.';
COMMENT ON COLUMN dead_slices.date IS 'The KST day.';
COMMENT ON COLUMN dead_slices.died_at IS 'When the last of the fetches failed.';
COMMENT ON COLUMN dead_slices.class IS 'Class of that failure.';

CREATE VIEW slice_coverage AS
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
       w.state = 'paused' OR coalesce(w.pause_cause = 'operator', false) AS excused,
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
COMMENT ON VIEW slice_coverage IS 'Every wanted slice up to today (KST): mall_id, agency_id, shop_no, endpoint, date, data_state (what is there), work_state (what is being done about it), rows, first_fetched_at, fetched_at, changed_at, excused, in_job. A gap is a slice before today that is missing or partial.';
COMMENT ON COLUMN slice_coverage.mall_id IS 'The mall.';
COMMENT ON COLUMN slice_coverage.agency_id IS 'Its agency.';
COMMENT ON COLUMN slice_coverage.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN slice_coverage.endpoint IS 'The endpoint.';
COMMENT ON COLUMN slice_coverage.date IS 'The KST day, from the first that is wanted to today.';
COMMENT ON COLUMN slice_coverage.data_state IS 'missing: never fetched. partial: fetched before the day was final. complete: fetched after. restated: complete, and a later fetch brought other figures.';
COMMENT ON COLUMN slice_coverage.work_state IS 'idle: nothing is under way. queued: a job waits for its turn or its next try. running: a worker has it. failed: the last fetch failed for good (an open dead letter). paused: a job waits for its mall or its endpoint, or nothing is asked for because of them.';
COMMENT ON COLUMN slice_coverage.rows IS 'Rows of the answer; 0 is a true zero. NULL: missing.';
COMMENT ON COLUMN slice_coverage.first_fetched_at IS 'When it was first fetched.';
COMMENT ON COLUMN slice_coverage.fetched_at IS 'When it was last fetched.';
COMMENT ON COLUMN slice_coverage.changed_at IS 'When its figures last changed.';
COMMENT ON COLUMN slice_coverage.excused IS 'Whether a person paused the mall or the endpoint: a gap then is no fault.';
COMMENT ON COLUMN slice_coverage.in_job IS 'Whether a job carries it, be it parked: asking for it again makes no other.';

CREATE VIEW series_freshness AS
WITH counted AS (
    SELECT w.*, clock.*, have.complete_through, have.last_success_at,
           coalesce(greatest(clock.yesterday - w.wanted_from + 1, 0) - have.complete, 0) AS gap_days,
           coalesce(greatest(clock.due_day - w.wanted_from + 1, 0) - have.complete_due, 0) AS due_days,
           work.jobs, work.history, dead.letters, dead.cause
      FROM wanted_series w
     CROSS JOIN freshness_clock AS clock
     CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE data_state <> 'partial' AND date <= clock.yesterday)::integer AS complete,
               count(*) FILTER (WHERE data_state <> 'partial' AND date <= clock.due_day)::integer AS complete_due,
               max(date) FILTER (WHERE data_state <> 'partial') AS complete_through,
               max(fetched_at) AS last_success_at
          FROM slices
         WHERE mall_id = w.mall_id AND shop_no = w.shop_no AND endpoint = w.endpoint AND granularity = 'day'
           AND date >= w.wanted_from) AS have
     CROSS JOIN LATERAL (
        SELECT count(*) AS jobs, count(*) FILTER (WHERE start_date < w.wanted_from) AS history
          FROM jobs
         WHERE mall_id = w.mall_id AND shop_no = w.shop_no AND endpoint = w.endpoint AND granularity = 'day'
           AND work_state IN ('planned', 'queued', 'running', 'parked')) AS work
     CROSS JOIN LATERAL (
        SELECT count(*) AS letters, (array_agg(d.cause ORDER BY d.died_at DESC))[1] AS cause
          FROM dead_letters d
         WHERE d.mall_id = w.mall_id AND d.shop_no = w.shop_no AND d.endpoint = w.endpoint AND d.state = 'open') AS dead
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
            ELSE coalesce(hole.day + 1, wanted_from) END AS complete_since,
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
           WHEN 'not_due' THEN format('due by %s', to_char(fresh_by, 'HH24:MI'))
           WHEN 'behind' THEN CASE WHEN complete_through IS NULL THEN 'no day is complete yet' ELSE format('complete through %s only', complete_through) END
           WHEN 'forgotten' THEN format('%s missing before %s, and nothing fetches them', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END, complete_through)
           WHEN 'filling' THEN format('%s missing, being fetched', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END)
       END AS reason
  FROM judged
  LEFT JOIN LATERAL (
    SELECT max(day)::date AS day
      FROM generate_series(wanted_from::timestamp, complete_through::timestamp, interval '1 day') AS day
      LEFT JOIN slices s
        ON s.mall_id = judged.mall_id AND s.shop_no = judged.shop_no AND s.endpoint = judged.endpoint
       AND s.granularity = 'day' AND s.date = day::date AND s.data_state <> 'partial'
     WHERE judged.gap_days > 0 AND s.mall_id IS NULL) AS hole ON true;
COMMENT ON VIEW series_freshness IS 'How fresh each shop and endpoint of each mall is: mall_id, agency_id, shop_no, endpoint, wanted_from, complete_since, complete_through, gap_days, last_success_at, jobs, letters, status, reason. Every day from complete_since to complete_through is complete; gap_days counts what is missing besides, up to yesterday.';
COMMENT ON COLUMN series_freshness.mall_id IS 'The mall.';
COMMENT ON COLUMN series_freshness.agency_id IS 'Its agency.';
COMMENT ON COLUMN series_freshness.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN series_freshness.endpoint IS 'The endpoint.';
COMMENT ON COLUMN series_freshness.wanted_from IS 'First KST day that is wanted; NULL: nothing yet.';
COMMENT ON COLUMN series_freshness.complete_since IS 'First KST day of the newest unbroken run of complete days (the history edge).';
COMMENT ON COLUMN series_freshness.complete_through IS 'Last complete KST day (the fresh edge); NULL: none.';
COMMENT ON COLUMN series_freshness.gap_days IS 'Wanted days up to yesterday that are missing or partial.';
COMMENT ON COLUMN series_freshness.last_success_at IS 'When a fetch last brought something.';
COMMENT ON COLUMN series_freshness.jobs IS 'Jobs that are under way or wait.';
COMMENT ON COLUMN series_freshness.letters IS 'Open dead letters.';
COMMENT ON COLUMN series_freshness.status IS 'fresh: complete through yesterday, without gaps. late: not so after the deadline (deployment.fresh_by). catching_up: not so, and not late: before the deadline, new, or gaps of older days are being filled. needs_you: only a person can mend it. paused: by a person, or its mode sends nothing.';
COMMENT ON COLUMN series_freshness.reason IS 'Why it is not fresh, in words; NULL: it is.';

CREATE VIEW mall_freshness AS
SELECT f.mall_id, f.agency_id, min(f.wanted_from) AS wanted_from, max(f.complete_since) AS complete_since,
       CASE WHEN bool_and(f.complete_through IS NOT NULL) THEN min(f.complete_through) END AS complete_through,
       sum(f.gap_days)::bigint AS gap_days, max(f.last_success_at) AS last_success_at,
       -- The worst; an endpoint that a person paused hides no other.
       CASE WHEN bool_or(f.status = 'needs_you') THEN 'needs_you'
            WHEN bool_or(f.status = 'late') THEN 'late'
            WHEN bool_or(f.status = 'catching_up') THEN 'catching_up'
            WHEN bool_or(f.status = 'fresh') THEN 'fresh'
            ELSE 'paused' END AS status,
       (array_agg(f.reason ORDER BY array_position('{needs_you,late,catching_up,fresh,paused}', f.status), f.complete_through NULLS FIRST,
                  f.shop_no, f.endpoint))[1] AS reason
  FROM series_freshness f
 GROUP BY f.mall_id, f.agency_id;
COMMENT ON VIEW mall_freshness IS 'How fresh each mall is, one row a mall: mall_id, agency_id, wanted_from, complete_since, complete_through, gap_days, last_success_at, status, reason. The worst of its shops and endpoints decides.';
COMMENT ON COLUMN mall_freshness.mall_id IS 'The mall.';
COMMENT ON COLUMN mall_freshness.agency_id IS 'Its agency.';
COMMENT ON COLUMN mall_freshness.wanted_from IS 'First KST day that is wanted.';
COMMENT ON COLUMN mall_freshness.complete_since IS 'First KST day since which all of its shops and endpoints are complete.';
COMMENT ON COLUMN mall_freshness.complete_through IS 'Last KST day through which all of them are; NULL: one has no complete day.';
COMMENT ON COLUMN mall_freshness.gap_days IS 'Missing or partial days up to yesterday, summed over shops and endpoints.';
COMMENT ON COLUMN mall_freshness.last_success_at IS 'When a fetch last brought something.';
COMMENT ON COLUMN mall_freshness.status IS 'fresh, catching_up, late, needs_you or paused; see series_freshness.status.';
COMMENT ON COLUMN mall_freshness.reason IS 'Why it is not fresh, in words, of the worst shop and endpoint; NULL: it is.';

COMMENT ON COLUMN alerts.kind IS 'needs_consent, needs_scope, forbidden, rotation_lost, api_changed, endpoint_missing, dead_letters, throttled, tokens_ending or late.';
