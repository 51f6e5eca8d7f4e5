-- plan_lift.sql: a fresh wish lifts the backfill jobs that already carry its slices into the fresh lane.
-- Only jobs that are not with the broker yet; the others run within seconds anyway.
-- Reads plan_slices. Locks in job_id order.
UPDATE jobs
   SET lane = 'fresh'
 WHERE job_id IN (
    SELECT job_id
      FROM jobs j
     WHERE j.work_state IN ('planned', 'parked')
       AND j.lane = 'backfill'
       AND EXISTS (
            SELECT FROM plan_slices p
             WHERE p.in_work
               AND (p.mall_id, p.shop_no, p.endpoint, p.granularity) = (j.mall_id, j.shop_no, j.endpoint, j.granularity)
               AND p.day BETWEEN j.start_date AND j.end_date)
     ORDER BY job_id
       FOR UPDATE)
RETURNING job_id
