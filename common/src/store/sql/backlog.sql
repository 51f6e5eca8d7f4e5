-- backlog.sql: the live jobs, by lane and state; "waiting" are planned ones whose time has not come.
-- Of millions it reads the table; whoever wants an ETA as well has both from demand.sql (Control::open_work).
SELECT lane,
       CASE WHEN work_state = 'planned' AND not_before > now() THEN 'waiting' ELSE work_state END AS state,
       count(*) AS jobs,
       min(requested_at) AS oldest
  FROM jobs
 WHERE work_state IN ('planned', 'queued', 'running', 'parked')
 GROUP BY 1, 2
 ORDER BY 1 DESC, 2
