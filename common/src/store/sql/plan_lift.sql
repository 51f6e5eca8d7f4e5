-- plan_lift.sql: a fresh wish lifts the backfill jobs that already carry its slices into the fresh lane.
-- Only jobs that are not with the broker yet; the others run within seconds anyway. Who releases parked jobs passes over those
-- that are locked here, so the daemon is told at commit, and looks again (listen.rs).
-- $1 mall_id[] of the wish. Reads plan_slices; index jobs_live. Locks in job_id order.
WITH lifted AS (
    UPDATE jobs
       SET lane = 'fresh'
     WHERE job_id IN (
        SELECT job_id
          FROM jobs j
         WHERE j.mall_id = ANY ($1)
           AND j.work_state IN ('planned', 'parked')
           AND j.lane = 'backfill'
           AND EXISTS (
                SELECT FROM plan_slices p
                 WHERE p.in_work
                   AND (p.mall_id, p.shop_no, p.endpoint, p.granularity) = (j.mall_id, j.shop_no, j.endpoint, j.granularity)
                   AND p.day BETWEEN j.start_date AND j.end_date)
         ORDER BY job_id
           FOR UPDATE)
    RETURNING job_id, mall_id, work_state
), told AS (
    SELECT pg_notify('cafe24_parked', mall_id) FROM (SELECT DISTINCT mall_id FROM lifted WHERE work_state = 'parked') AS malls
)
SELECT job_id, (SELECT count(*) FROM told) AS told FROM lifted
