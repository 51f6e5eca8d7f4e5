-- claim.sql: decides about deliveries, and takes the fence of each that goes on. Committed before any request.
-- $1 job_id[] (no duplicates) $2 redelivered[] $5 the fence under which this worker has the job in hand[], NULL: it has not; equal
-- lengths   $3 this worker's id   $4 most lost starts before a job is poison
-- Answers one row for each job that the ledger knows; the others are unknown.
--   go         claimed: work_state running, a new fence
--   done       this very job was committed already (its ack was lost): ack without a request
--   failed     its failure is recorded already (its reject was lost): reject again
--   held       this worker has it in hand, and it is still the one who runs it: another message of the same job
--   poison     it ended its worker too often: now failed, reject
--   parked     its mall sends nothing, its endpoint is paused, or its mall's new bucket is not full yet: now parked, ack. Its message is gone with that, so it
--              takes a fence, too: resumed before the feeder has marked the message as published, it must be published again.
--              The daemon is told, which looks again (listen.rs): what this statement saw may be over by its commit
--   gone       cancelled, or its mall was removed: ack
--   duplicate  another worker has it (paused or not: that one gives it back), or it was put back for later: ack, the ledger
--              knows when it must run. What is queued was due when it was sent, whatever the clock says since a failover: this may
--              be its only message
-- reserve: the share of its bucket that is left to others, if it has one of its own.
-- probe: whether its endpoint is paused and it is to show that the API is well again.
-- A job that runs under this worker's own id and is asked for again goes on: the answer to its first claim was lost.
-- What was put back by a worker that had it under its mall's former bucket takes from the present one.
-- Locks in job_id order. Called by store/claim.rs only.
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::bool[], $5::bigint[]) AS a (job_id, redelivered, held)
), locked AS (
    SELECT j.job_id, a.redelivered, a.held = j.fence AS held, j.work_state, j.worker, j.crashes, j.not_before, c.mall_id IS NOT NULL AS known_mall,
           c.limiter_key,
           barrier.what IS NULL AS sends
      FROM asked a
      JOIN jobs j USING (job_id)
      LEFT JOIN connectors c USING (mall_id)
      LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
     ORDER BY j.job_id
       FOR UPDATE OF j
), decided AS (
    SELECT job_id, limiter_key,
           CASE
               WHEN work_state IN ('done', 'failed') THEN work_state
               WHEN work_state = 'running' AND worker = $3 AND held THEN 'held'
               WHEN work_state = 'cancelled' OR NOT known_mall THEN 'gone'
               WHEN work_state = 'running' AND NOT redelivered AND worker <> $3 THEN 'duplicate'
               WHEN work_state = 'parked' OR NOT sends THEN 'parked'
               WHEN work_state = 'planned' AND not_before > now() + interval '1 second' THEN 'duplicate'
               WHEN redelivered AND crashes >= $4 THEN 'poison'
               ELSE 'go'
           END AS decision
      FROM locked
), changed AS (
    UPDATE jobs j
       SET work_state = CASE decision WHEN 'go' THEN 'running' WHEN 'parked' THEN 'parked' WHEN 'gone' THEN 'cancelled' ELSE 'failed' END,
           fence = CASE WHEN decision IN ('go', 'parked') THEN next_fence() ELSE fence END,
           limiter_key = CASE WHEN decision = 'go' THEN decided.limiter_key ELSE j.limiter_key END,
           claimed_at = CASE WHEN decision = 'go' THEN now() ELSE claimed_at END,
           -- Whoever had it may have sent until now.
           put_back_at = CASE WHEN decision = 'parked' AND work_state = 'running' THEN now() ELSE put_back_at END,
           worker = $3,
           finished_at = CASE WHEN decision IN ('gone', 'poison') THEN now() END,
           error_class = CASE WHEN decision = 'poison' THEN 'bug' ELSE error_class END,
           error = CASE decision
                       WHEN 'poison' THEN format('poison: ended its worker %s times', crashes + 1)
                       WHEN 'gone' THEN 'the mall was removed'
                       ELSE error END,
           history = CASE WHEN decision = 'poison'
                          THEN failed_attempt(history, j.worker, attempts, 'bug', format('ended its worker %s times', crashes + 1))
                          ELSE history END
      FROM decided
     WHERE j.job_id = decided.job_id
       AND (decision IN ('go', 'poison', 'parked') OR (decision = 'gone' AND work_state <> 'cancelled'))
    RETURNING j.*
), told AS (
    SELECT pg_notify('cafe24_parked', mall_id) FROM (SELECT DISTINCT mall_id FROM changed WHERE work_state = 'parked') AS malls
)
-- As it was changed, not as the statement first saw it: whoever had it locked may have counted an attempt.
SELECT d.decision, d.job_id, j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date, j.lane,
       j.requested_at, j.limiter_key, j.attempts, j.crashes, j.fence, c.token_version, c.dialect, l.reserve,
       EXISTS (SELECT FROM endpoint_pauses p WHERE p.ended_at IS NULL AND j.job_id = ANY (p.probes)) AS probe,
       (SELECT count(*) FROM told) AS told
  FROM decided d
  LEFT JOIN changed j USING (job_id)
  LEFT JOIN connectors c ON c.mall_id = j.mall_id
  LEFT JOIN limiter_settings l ON l.limiter_key = j.limiter_key
