-- reader_role.sql: what a role is that is to become a reader. $1 its name. No row: there is no such role.
-- is_set: it logs in, is a member of cafe24_analyst and has settings of its own in this database; nothing is left to do.
-- Called by store/readers.rs only.
SELECT r.rolsuper AS is_superuser,
       r.rolbypassrls AS bypasses,
       has_table_privilege(r.oid, 'public.connectors', 'SELECT') AS is_program,
       r.rolcanlogin
           AND EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'cafe24_analyst' AND pg_has_role(r.oid, g.oid, 'USAGE'))
           AND EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                        WHERE d.datname = current_database() AND s.setrole = r.oid) AS is_set
  FROM pg_roles r
 WHERE r.rolname = $1
