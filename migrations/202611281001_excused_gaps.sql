-- Which gaps are no fault, said once: coverage --check is to fail where status says late or needs you, and nowhere else.

CREATE FUNCTION gap_is_excused(state text, pause_cause text, created_at timestamptz, due_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT state = 'paused' OR coalesce(pause_cause = 'operator', false)
           OR (state = 'active' AND pause_cause IS NULL AND created_at > due_at)
$$;
COMMENT ON FUNCTION gap_is_excused(text, text, timestamptz, timestamptz) IS 'Whether a day of a shop and endpoint may be missing although it is due: a person paused the mall or the endpoint, or the mall came after the deadline and has until the next one.';

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
       gap_is_excused(w.state, w.pause_cause, w.created_at, (SELECT due_at FROM freshness_clock)) AS excused,
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
COMMENT ON COLUMN slice_coverage.excused IS 'Whether a gap is no fault (gap_is_excused): a person paused the mall or the endpoint, or the mall came after the deadline and has until the next one.';

CREATE OR REPLACE VIEW series_states AS
SELECT w.mall_id, w.agency_id, w.shop_no, w.endpoint, w.wanted_from, w.counts, w.state, w.state_reason, w.created_at,
       w.pause_cause, w.pause_reason, have.last_success_at, days_from(have.first_day, have.days, w.wanted_from) AS days,
       gap_is_excused(w.state, w.pause_cause, w.created_at, (SELECT due_at FROM freshness_clock)) AS excused
  FROM wanted_series w
 CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM series_changed c
                    WHERE c.mall_id = w.mall_id AND c.shop_no = w.shop_no AND c.endpoint = w.endpoint) AS changed
    OFFSET 0) AS mark
  LEFT JOIN LATERAL (
    SELECT k.first_day, k.days, k.last_success_at
      FROM series_days k
     WHERE NOT mark.changed AND k.mall_id = w.mall_id AND k.shop_no = w.shop_no AND k.endpoint = w.endpoint
     UNION ALL
    SELECT t.first_day, t.days, t.last_success_at
      FROM series_truth t
     WHERE mark.changed AND t.mall_id = w.mall_id AND t.shop_no = w.shop_no AND t.endpoint = w.endpoint
    -- One at most; said, since the planner takes it for a hundred.
     LIMIT 1) AS have ON true;
COMMENT ON COLUMN series_states.excused IS 'Whether a gap is no fault (gap_is_excused): a person paused the mall or the endpoint, or the mall came after the deadline and has until the next one.';
