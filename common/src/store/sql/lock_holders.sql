-- lock_holders.sql: sessions that keep a table of ours from being read or written, oldest transaction first.
-- No parameters. Anybody sees pid, user and program; the start is NULL for who may not look at others' activity
-- (pg_read_all_stats). Asked for only after a lock_timeout, so it may be slow. Called by store/locks.rs.
SELECT l.pid, a.usename::text AS role, a.application_name AS program, a.xact_start AS since,
       string_agg(DISTINCT c.relname::text, ', ' ORDER BY c.relname::text) AS tables
  FROM pg_locks l
  JOIN pg_class c ON c.oid = l.relation AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
 GROUP BY l.pid, a.usename, a.application_name, a.xact_start
 ORDER BY a.xact_start NULLS LAST, l.pid
