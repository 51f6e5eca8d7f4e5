-- probes_over.sql: probes that are over although no worker said so: it ended between the commit and its word, or the
-- mall was removed. good: as probe_ended.sql wants it. $1 over for more than this many seconds
-- Reads the open pauses and their few probes. Called by the daemon, store/pauses/keep.rs.
SELECT j.job_id, j.work_state = 'done' AS good
  FROM endpoint_pauses p
  JOIN jobs j ON j.job_id = ANY (p.probes)
 WHERE p.ended_at IS NULL
   AND j.finished_at < now() - make_interval(secs => $1)
 ORDER BY good DESC, j.job_id
