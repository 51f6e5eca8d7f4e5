-- trip_breaker.sql: pauses an endpoint for all malls of a dialect once enough answers of enough malls broke the contract.
-- $1 endpoint $2 dialect $3 window in seconds $4 violations $5 malls, at least these many each
-- Asked by a worker right after it committed a violation, so the last of several workers sees what all of them saw; the
-- unique index lets one of them pause, and only that one gets a row back. What was seen before the last pause of this
-- endpoint ended does not count. Nothing is counted on the normal path: the failed jobs are in the ledger anyway.
-- Index jobs_finished. Called by store/pauses.rs only.
WITH seen AS (
    SELECT count(*) AS violations, count(DISTINCT j.mall_id) AS malls,
           (array_agg(j.error ORDER BY j.finished_at DESC))[1] AS example
      FROM jobs j
      JOIN connectors c USING (mall_id)
     WHERE j.work_state = 'failed'
       AND j.finished_at > greatest(
               now() - make_interval(secs => $3),
               (SELECT max(p.ended_at) FROM endpoint_pauses p
                 WHERE p.endpoint = $1 AND p.mall_id IS NULL AND p.ended_at IS NOT NULL))
       AND j.error_class = 'contract_violation'
       AND j.endpoint = $1
       AND c.dialect = $2
), tripped AS (
    INSERT INTO endpoint_pauses (endpoint, dialect, cause, reason, paused_by)
    SELECT $1, $2, 'contract_violation',
           format('%s answers of %s malls do not fit the contract within %s s, such as: %s', violations, malls, $3, left(example, 300)),
           'worker:breaker'
      FROM seen
     WHERE violations >= $4 AND malls >= $5
    ON CONFLICT DO NOTHING
    RETURNING endpoint, reason, paused_by
), audited AS (
    INSERT INTO audit_log (actor, action, target, details)
    SELECT paused_by, 'endpoints.pause', endpoint, jsonb_build_object('reason', reason, 'cause', 'contract_violation')
      FROM tripped
)
SELECT reason FROM tripped
