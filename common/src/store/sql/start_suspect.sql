-- start_suspect.sql: a redelivered job is about to start; if no outcome follows, this start is a lost worker.
-- $1 job_id $2 fence $3 starts without an outcome, this one included. Marking the same start twice (its grant was
-- stale, its token was renewed) counts once. Only redelivered jobs pay this write.
UPDATE jobs SET crashes = $3 WHERE job_id = $1 AND fence = $2 AND work_state = 'running'
