-- inspect_server.sql: what doctor wants to know of the server and of our session. No parameters; one row.
-- pg_stat_activity shows every session to everybody, but of others' sessions little more than their database.
-- Called by store/inspect.rs only.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::integer AS version_num,
       current_setting('max_connections')::integer AS max_connections,
       (SELECT count(*)::integer FROM pg_stat_activity WHERE datid IS NOT NULL) AS connections,
       pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only,
       current_user::text AS role,
       clock_timestamp() AS now,
       (clock_timestamp() AT TIME ZONE 'Asia/Seoul')::date AS kst_day
