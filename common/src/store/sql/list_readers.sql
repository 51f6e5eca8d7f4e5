-- list_readers.sql: the readers of this database, by name, how many malls each sees, and what is wrong with it.
-- No parameters. Called by store/readers.rs only.
SELECT r.role_name::text, r.agency_id, r.purpose, r.granted_by, r.granted_at,
       (SELECT count(*) FROM reader_malls m WHERE m.role_name = r.role_name) AS malls,
       CASE
           WHEN role.oid IS NULL THEN 'there is no such role'
           WHEN role.oid <> r.role_id THEN 'another role of that name than was granted: it sees nothing'
           WHEN NOT role.rolcanlogin THEN 'may not log in'
           WHEN NOT EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'cafe24_analyst' AND pg_has_role(role.oid, g.oid, 'USAGE'))
               THEN 'is no member of cafe24_analyst'
       END AS trouble,
       coalesce(role.rolsuper, false) AS is_superuser,
       coalesce(role.rolbypassrls, false) AS bypasses,
       coalesce(has_table_privilege(role.oid, 'public.connectors', 'SELECT'), false) AS is_program
  FROM readers r
  LEFT JOIN pg_roles role ON role.rolname = r.role_name
 ORDER BY r.role_name
