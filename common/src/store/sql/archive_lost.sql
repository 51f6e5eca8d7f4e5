-- archive_lost.sql: failed jobs whose letter never came out of the dead-letter queue (purged, or the reject was lost).
-- $1 failed before this many seconds ago. Indexes jobs_finished, dead_letters_replay. Called by the reconciler.
INSERT INTO dead_letters (letter_id, job_id, run_id, mall_id, shop_no, endpoint, granularity, start_date, end_date, lane,
                          agency_id, class, reason, attempts, evidence, body, body_bytes, body_hash, died_at,
                          history, round, replay_of)
SELECT j.job_id, j.job_id, j.run_id, j.mall_id, j.shop_no, j.endpoint, j.granularity, j.start_date, j.end_date, j.lane,
       c.agency_id, j.error_class, coalesce(j.error, ''), j.attempts, j.evidence, '', 0, 0, j.finished_at,
       carried_history(before.history, j.history), coalesce(before.round, 0) + 1, before.letter_id
  FROM jobs j
  LEFT JOIN connectors c USING (mall_id)
  LEFT JOIN LATERAL replayed_letter(j) AS before ON true
 WHERE j.work_state = 'failed'
   AND j.finished_at IS NOT NULL AND j.finished_at < now() - make_interval(secs => $1)
   AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.letter_id = j.job_id)
ON CONFLICT (letter_id) DO NOTHING
