-- probe_ended.sql: a probe of a paused endpoint ended. $1 job_id $2 whether its answer was good
-- Good: the pause ends (the trigger tells, the daemon releases). Bad: the pause holds, without this probe.
-- Answers one row with the endpoint if the pause ended. Called by store/pauses.rs and store/pauses/keep.rs.
WITH probed AS (
    UPDATE endpoint_pauses
       SET probes = CASE WHEN $2 THEN '{}' ELSE array_remove(probes, $1) END,
           ended_at = CASE WHEN $2 THEN now() END,
           ended_by = CASE WHEN $2 THEN 'worker:probe' END
     WHERE ended_at IS NULL AND $1 = ANY (probes)
    RETURNING endpoint, mall_id, ended_by
), audited AS (
    INSERT INTO audit_log (actor, action, mall_id, target, details)
    SELECT ended_by, 'endpoints.resume', mall_id, endpoint, jsonb_build_object('probe', $1)
      FROM probed
     WHERE ended_by IS NOT NULL
)
SELECT endpoint FROM probed WHERE ended_by IS NOT NULL
