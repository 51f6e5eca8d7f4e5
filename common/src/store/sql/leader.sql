-- leader.sql: who leads a duty now; no row when nobody does.
-- $1 the duty. The lock decides, as pg_locks shows it: two keys (objsubid 2), both unsigned there. Called by store/leader.rs only.
SELECT l.instance, l.since
  FROM leaders l
 WHERE l.duty = $1
   AND EXISTS (SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND objsubid = 2
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND classid::bigint = hashtext('cafe24-sync')::bigint & 4294967295
                  AND objid::bigint = hashtext(l.duty)::bigint & 4294967295)
