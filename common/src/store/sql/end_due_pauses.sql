-- end_due_pauses.sql: pauses whose time is over end by themselves, of malls and of endpoints. The triggers release the jobs.
-- Answers how many ended. Called by the daemon, store/pauses.rs.
WITH malls AS (
    UPDATE connectors SET state = 'active', state_reason = NULL, state_since = now(), paused_until = NULL, updated_at = now()
     WHERE state = 'paused' AND paused_until <= now()
    RETURNING mall_id
), endpoints AS (
    UPDATE endpoint_pauses SET ended_at = now(), ended_by = 'daemon:pauses', probes = '{}'
     WHERE ended_at IS NULL AND until <= now()
    RETURNING mall_id, endpoint
), audited AS (
    INSERT INTO audit_log (actor, action, mall_id, target, details)
    SELECT 'daemon:pauses', 'malls.resume', mall_id, mall_id, '{"why": "its time was over"}'::jsonb FROM malls
    UNION ALL
    SELECT 'daemon:pauses', CASE WHEN mall_id IS NULL THEN 'endpoints.resume' ELSE 'malls.resume' END, mall_id, endpoint,
           '{"why": "its time was over"}'::jsonb
      FROM endpoints
)
SELECT (SELECT count(*) FROM malls) + (SELECT count(*) FROM endpoints) AS ended
