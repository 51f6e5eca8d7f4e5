-- comes_back.sql: of the waiting jobs of a run, whose days the schedule gaps asks for again once they are dropped, and the first
-- day behind these: wanted from there on, the mall has none of them.
-- $1 run_id
-- What is there is no gap; a mall that never said from when on it is wanted has none (schedule_gaps.sql), nor has one that sends
-- nothing. Days up to yesterday count, and none behind today is named.
-- Indexes jobs_run, slices_pkey. Called by store/backfills.rs only.
SELECT j.mall_id, max(d.last) + 1 AS wanted_from
  FROM jobs j
 CROSS JOIN LATERAL (SELECT least(j.end_date, (now() AT TIME ZONE 'Asia/Seoul')::date - 1) AS last) AS d
  JOIN connectors c ON c.mall_id = j.mall_id AND d.last >= greatest(j.start_date, c.wanted_from) AND connector_sends(c.state, c.config_json)
   AND j.shop_no = ANY (c.shops) AND j.endpoint = ANY (c.endpoints)
 WHERE j.run_id = $1 AND j.work_state IN ('planned', 'queued', 'parked') AND j.granularity = 'day'
   AND NOT EXISTS (
        SELECT FROM schedules s
         WHERE 'gaps' = ANY (s.paused)
           AND (s.mall_id = c.mall_id OR s.agency_id = c.agency_id OR s.mall_id IS NULL AND s.agency_id IS NULL))
   AND (SELECT count(*)
          FROM slices s
         WHERE s.mall_id = j.mall_id AND s.shop_no = j.shop_no AND s.endpoint = j.endpoint AND s.granularity = 'day'
           AND s.date BETWEEN greatest(j.start_date, c.wanted_from) AND d.last
           AND s.data_state <> 'partial') < d.last - greatest(j.start_date, c.wanted_from) + 1
 GROUP BY j.mall_id
 ORDER BY j.mall_id
