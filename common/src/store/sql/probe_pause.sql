-- probe_pause.sql: a few parked jobs of a paused endpoint may run, one a mall, to see whether the API is well again.
-- $1 pause_id $2 jobs at most. Only malls that send, and whose endpoint nobody paused for themselves; the freshest wish
-- of each. The trigger releases them. Answers how many there are. Index jobs_parked. Called by store/pauses.rs only.
UPDATE endpoint_pauses pause
   SET probes = ARRAY(
           SELECT j.job_id
             FROM connectors c
            CROSS JOIN LATERAL (
               SELECT o.job_id FROM jobs o
                WHERE o.mall_id = c.mall_id AND o.endpoint = pause.endpoint AND o.work_state = 'parked'
                ORDER BY o.lane DESC, o.turn
                LIMIT 1) AS j
            WHERE connector_sends(c.state, c.config_json)
              AND (pause.dialect IS NULL OR pause.dialect = c.dialect)
              AND NOT EXISTS (
                  SELECT FROM endpoint_pauses own
                   WHERE own.ended_at IS NULL AND own.endpoint = pause.endpoint AND own.mall_id = c.mall_id)
            LIMIT $2),
       probed_at = now()
 WHERE pause.pause_id = $1 AND pause.ended_at IS NULL
RETURNING cardinality(probes) AS probes
