-- unguided_tables.sql: tables of which the session's role may see no row, since no rule of row-level security speaks of it.
-- $1 tables with row-level security. By name. Owners are held to the rules too (FORCE); superusers and BYPASSRLS to none.
-- Called by store/inspect.rs only.
SELECT c.relname::text
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1) AND c.relrowsecurity
   AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls))
   AND NOT EXISTS (
           SELECT
             FROM pg_policy p
            CROSS JOIN LATERAL unnest(p.polroles) AS role
            WHERE p.polrelid = c.oid AND p.polcmd = '*' AND CASE WHEN role = 0 THEN true ELSE pg_has_role(role, 'USAGE') END)
 ORDER BY c.relname
