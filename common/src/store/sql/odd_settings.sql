-- odd_settings.sql: settings of readers in this database that are not as they are made, by role and in the order given.
-- $1 keys[] $2 values[] of a new reader, equal lengths $3 a role to look at instead, reader or not
-- found is NULL where the role has no such setting. A role of a reader's name that is not the one granted is left alone.
-- Called by store/readers/settings.rs only.
SELECT role.rolname::text AS role,
       quote_ident(role.rolname) AS quoted,
       quote_ident(current_database()) AS database,
       usual.key, usual.value AS usual, set.value AS found
  FROM pg_roles role
 CROSS JOIN unnest($1::text[], $2::text[]) WITH ORDINALITY AS usual (key, value, place)
  LEFT JOIN LATERAL (
           SELECT substr(one, length(usual.key) + 2) AS value
             FROM pg_db_role_setting s
             JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
            CROSS JOIN unnest(s.setconfig) AS one
            WHERE s.setrole = role.oid AND starts_with(one, usual.key || '=')) AS set ON true
 WHERE CASE WHEN $3::text IS NULL
            THEN EXISTS (SELECT FROM readers r WHERE r.role_name = role.rolname AND r.role_id = role.oid)
            ELSE role.rolname = $3 END
   AND set.value IS DISTINCT FROM usual.value
 ORDER BY role.rolname, usual.place
