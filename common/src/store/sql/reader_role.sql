-- reader_role.sql: what a role is that is to become a reader. $1 its name. No row: there is no such role.
-- reads: it logs in and is a member of cafe24_analyst.
-- Called by store/readers.rs only.
SELECT r.rolsuper AS is_superuser,
       r.rolbypassrls AS bypasses,
       has_table_privilege(r.oid, 'public.connectors', 'SELECT') AS is_program,
       r.rolcanlogin
           AND EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'cafe24_analyst' AND pg_has_role(r.oid, g.oid, 'USAGE')) AS reads
  FROM pg_roles r
 WHERE r.rolname = $1
