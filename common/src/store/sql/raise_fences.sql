-- raise_fences.sql: after a copy of the data was put back, lets the next fetch have a higher number than any before.
-- $1 how far above: more than all workers took between the copy and now, which nobody knows any more
-- A stored number of another timeline (a dump loaded into a new cluster) is higher than every number of this one; then
-- the whole of it becomes the sequence's, since next_fence() joins the two by OR, which never lowers either.
-- Returns the new value. Called by store/inspect.rs only.
WITH found AS (
    SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint AS timeline,
           (SELECT last_value FROM fences) AS last_value,
           greatest((SELECT max(fence) FROM slices), (SELECT max(fence) FROM jobs), 0) AS stored
)
SELECT setval('fences', greatest(last_value,
                                 CASE WHEN stored >> 40 > timeline THEN stored ELSE stored & ((1::bigint << 40) - 1) END) + $1)
  FROM found
