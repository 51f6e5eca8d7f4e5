-- pause_not_found.sql: HTTP 404 on an endpoint's path: configuration or drift, the same for every mall of the dialect.
-- $1 endpoint $2 dialect $3 reason $4 job_id: a request that was claimed before the last pause ended says nothing of now.
-- Answers a row to the one who paused. Called by store/pauses.rs only.
WITH tripped AS (
    INSERT INTO endpoint_pauses (endpoint, dialect, cause, reason, paused_by)
    SELECT $1, $2, 'not_found', $3, 'worker:breaker'
     WHERE (SELECT claimed_at FROM jobs WHERE job_id = $4) > coalesce(
            (SELECT max(p.ended_at) FROM endpoint_pauses p
              WHERE p.endpoint = $1 AND p.mall_id IS NULL AND p.ended_at IS NOT NULL), '-infinity')
    ON CONFLICT DO NOTHING
    RETURNING endpoint, reason, paused_by
), audited AS (
    INSERT INTO audit_log (actor, action, target, details)
    SELECT paused_by, 'endpoints.pause', endpoint, jsonb_build_object('reason', reason, 'cause', 'not_found')
      FROM tripped
)
SELECT reason FROM tripped
