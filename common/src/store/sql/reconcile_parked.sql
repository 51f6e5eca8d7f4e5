-- reconcile_parked.sql: a parked job whose mall sends again (parked between the change and the claim) is released.
WITH released AS (
    UPDATE jobs SET work_state = 'planned'
     WHERE job_id IN (
        SELECT j.job_id FROM jobs j JOIN connectors c USING (mall_id)
         WHERE j.work_state = 'parked' AND connector_sends(c.state, c.config_json)
         ORDER BY j.job_id
           FOR UPDATE OF j SKIP LOCKED)
    RETURNING limiter_key
), told AS (
    SELECT pg_notify('cafe24_feed', limiter_key) FROM (SELECT DISTINCT limiter_key FROM released) AS keys
)
SELECT count(*) AS released, (SELECT count(*) FROM told) AS told FROM released
