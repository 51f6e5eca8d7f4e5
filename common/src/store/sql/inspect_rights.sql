-- inspect_rights.sql: what the session's role may not do with the objects of this schema, though the programs need it.
-- No parameters. One row a missing right, by name. Taken from the catalogue, so that no list here grows stale: every
-- table is read and written; only the log of migrations is never written here and the audit log never rewritten.
-- Called by store/inspect.rs only.
SELECT object, string_agg(privilege, ', ' ORDER BY privilege) AS missing
  FROM (
    SELECT c.relname::text AS object, privilege
      FROM pg_class c
     CROSS JOIN LATERAL unnest(CASE
               WHEN c.relkind IN ('v', 'm') OR c.relname = '_sqlx_migrations' THEN '{SELECT}'::text[]
               WHEN c.relname = 'audit_log' THEN '{SELECT,INSERT}'::text[]
               ELSE '{SELECT,INSERT,UPDATE,DELETE}'::text[] END) AS privilege
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
       AND NOT has_table_privilege(c.oid, privilege)
    UNION ALL
    SELECT c.relname::text, 'USAGE'
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace
       -- Asked of anything but a sequence it is an error, and conditions come in no order but that of CASE.
       AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') END
    UNION ALL
    SELECT p.proname::text, 'EXECUTE'
      FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
       AND NOT has_function_privilege(p.oid, 'EXECUTE')
    UNION ALL
    SELECT 'schema public', 'USAGE' WHERE NOT has_schema_privilege('public', 'USAGE')
  ) lacking
 GROUP BY object
 ORDER BY object
