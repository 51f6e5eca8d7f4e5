-- comes_back.sql: of the waiting jobs of a run, whose days the schedule gaps asks for again once they are dropped, and the first
-- day behind these: wanted from there on, the mall has none of them.
-- $1 run_id
-- What is there is no gap; a mall that never said from when on it is wanted has none (schedule_gaps.sql), nor has one that sends
-- nothing. Days up to yesterday count, and none behind today is named.
-- The run's jobs are read once, and what they come to is compared series by series with its letters: where the last of their
-- days is a gap, as it is while nothing was fetched, or where none is from the first to the last, no job is looked at again.
-- Letters reach as far as a day that is complete: behind the last of them none is compared. View series_states, asked series by
-- series, which OFFSET 0 sees to. Indexes jobs_run, jobs_live. Called by store/backfills.rs only.
WITH dropped AS (
    SELECT mall_id, shop_no, endpoint, min(start_date) AS first, least(max(end_date), (SELECT yesterday FROM freshness_clock)) AS last
      FROM jobs
     WHERE run_id = $1 AND work_state IN ('planned', 'queued', 'parked') AND granularity = 'day'
       AND start_date <= (SELECT yesterday FROM freshness_clock)
     GROUP BY mall_id, shop_no, endpoint
)
SELECT d.mall_id, max(gap.last) + 1 AS wanted_from
  FROM dropped d
  JOIN connectors c ON c.mall_id = d.mall_id AND c.wanted_from <= d.last AND connector_sends(c.state, c.config_json)
 CROSS JOIN LATERAL (
    SELECT days FROM series_states s WHERE s.mall_id = d.mall_id AND s.shop_no = d.shop_no AND s.endpoint = d.endpoint
    OFFSET 0) AS have
 CROSS JOIN LATERAL (
    SELECT CASE
           WHEN substr(have.days, d.last - c.wanted_from + 1, 1) IN ('m', 'p', '') THEN d.last
           WHEN translate(substr(have.days, greatest(d.first - c.wanted_from, 0) + 1, d.last - greatest(d.first, c.wanted_from) + 1), 'cr', '') <> '' THEN (
            SELECT max(span.last)
              FROM freshness_clock AS clock, jobs j
             CROSS JOIN LATERAL (
                SELECT greatest(j.start_date, c.wanted_from) AS first, least(j.end_date, clock.yesterday) AS last) AS span
             WHERE j.mall_id = d.mall_id AND j.shop_no = d.shop_no AND j.endpoint = d.endpoint AND j.granularity = 'day'
               AND j.run_id = $1 AND j.work_state IN ('planned', 'queued', 'parked')
               AND translate(substr(have.days, span.first - c.wanted_from + 1, greatest(span.last - span.first + 1, 0)), 'cr', '') <> '')
           END AS last
    OFFSET 0) AS gap
 WHERE gap.last IS NOT NULL
   AND NOT EXISTS (
        SELECT FROM schedules s
         WHERE 'gaps' = ANY (s.paused)
           AND (s.mall_id = c.mall_id OR s.agency_id = c.agency_id OR s.mall_id IS NULL AND s.agency_id IS NULL))
 GROUP BY d.mall_id
 ORDER BY d.mall_id
