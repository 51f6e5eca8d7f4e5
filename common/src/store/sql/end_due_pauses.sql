-- end_due_pauses.sql: the next pause whose time is over ends by itself, a mall's or an endpoint's. The trigger releases
-- the jobs. One at a time: a thousand malls paused until the same morning are a thousand short transactions, and none
-- holds the jobs of two malls out of order. Answers 0 if none is due. Called by the daemon, store/pauses/keep.rs.
WITH mall AS (
    SELECT mall_id FROM connectors
     WHERE state = 'paused' AND paused_until <= now()
     ORDER BY mall_id LIMIT 1
       FOR UPDATE SKIP LOCKED
), malls AS (
    UPDATE connectors c SET state = 'active', state_reason = NULL, state_since = now(), paused_until = NULL, updated_at = now()
      FROM mall
     WHERE c.mall_id = mall.mall_id
    RETURNING c.mall_id
), pause AS (
    SELECT pause_id FROM endpoint_pauses
     WHERE ended_at IS NULL AND until <= now() AND NOT EXISTS (SELECT FROM mall)
     ORDER BY pause_id LIMIT 1
       FOR UPDATE SKIP LOCKED
), endpoints AS (
    UPDATE endpoint_pauses p SET ended_at = now(), ended_by = 'daemon:pauses', probes = '{}'
      FROM pause
     WHERE p.pause_id = pause.pause_id
    RETURNING p.mall_id, p.endpoint
), audited AS (
    INSERT INTO audit_log (actor, action, mall_id, target, details)
    SELECT 'daemon:pauses', 'malls.resume', mall_id, mall_id, '{"why": "its time was over"}'::jsonb FROM malls
    UNION ALL
    SELECT 'daemon:pauses', CASE WHEN mall_id IS NULL THEN 'endpoints.resume' ELSE 'malls.resume' END, mall_id, endpoint,
           '{"why": "its time was over"}'::jsonb
      FROM endpoints
)
SELECT (SELECT count(*) FROM malls) + (SELECT count(*) FROM endpoints) AS ended
