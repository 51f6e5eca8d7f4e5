-- inspect_fences.sql: the number that the next fetch would be above, and the highest number that was ever stored. No
-- parameters; one row. In order, the first is not below the second; a copy of the data that was put back by hand may
-- break that. Reads all of slices and jobs: some seconds for tens of millions. The sum is that of next_fence().
-- Called by store/inspect.rs only.
SELECT (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint << 40) | last_value AS given,
       greatest((SELECT max(fence) FROM slices), (SELECT max(fence) FROM jobs), 0) AS stored
  FROM fences
