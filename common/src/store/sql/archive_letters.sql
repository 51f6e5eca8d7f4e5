-- archive_letters.sql: stores dead letters, joined with what the ledger knows.
-- $1 letter_id[] (fresh ids) $2 job_id[] (NULL: the message names none) $3 body[] (first MiB) $4 body_bytes[]
-- $5 body_hash[] $6 redelivered[] $7 reason[] (for what the ledger does not know); equal lengths
-- A failed job's letter has the job's id, so a message drained twice is one letter. A message of a job that is still
-- wanted (the broker gave up on it, not we) makes no letter: the reconciler publishes it again. A message that is no job
-- is recognised, when the broker delivers it again, by its bytes. Acknowledge only after the commit.
-- A job that a replay had planned carries on the letter that was replayed: its round is one more, its history goes before.
-- Indexes dead_letters_body, dead_letters_replay. Called by store/dead_letters.rs.
INSERT INTO dead_letters (letter_id, job_id, run_id, mall_id, shop_no, endpoint, granularity, start_date, end_date, lane,
                          agency_id, class, reason, attempts, evidence, body, body_bytes, body_hash, died_at,
                          history, round, replay_of)
SELECT coalesce(j.job_id, m.letter_id), j.job_id, j.run_id, j.mall_id, j.shop_no, j.endpoint, j.granularity,
       j.start_date, j.end_date, j.lane, c.agency_id,
       coalesce(j.error_class, 'unreadable'), coalesce(j.error, m.reason), coalesce(j.attempts, 0), j.evidence,
       m.body, m.body_bytes, m.body_hash, coalesce(j.finished_at, now()),
       carried_history(before.history, j.history), coalesce(before.round, 0) + 1, before.letter_id
  FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bool[], $7::text[])
       AS m (letter_id, job_id, body, body_bytes, body_hash, redelivered, reason)
  LEFT JOIN jobs j ON j.job_id = m.job_id
  LEFT JOIN connectors c ON c.mall_id = j.mall_id
  LEFT JOIN LATERAL replayed_letter(j) AS before ON true
 WHERE CASE
           WHEN j.job_id IS NOT NULL THEN j.work_state = 'failed'
           ELSE NOT m.redelivered OR NOT EXISTS (
               SELECT FROM dead_letters d
                WHERE d.job_id IS NULL AND d.body_hash = m.body_hash AND d.body_bytes = m.body_bytes)
       END
ON CONFLICT (letter_id) DO NOTHING
