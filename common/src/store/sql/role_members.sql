-- role_members.sql: roles and who is a member of them, directly or through another role, and may log in.
-- $1 role names. In the order given. Superusers, who are members of everything, are left out. Called by store/readers.rs only.
SELECT wanted.name AS role, r.oid IS NOT NULL AS is_there,
       coalesce((SELECT array_agg(m.rolname::text ORDER BY m.rolname)
                   FROM pg_roles m
                  WHERE m.rolcanlogin AND NOT m.rolsuper AND m.oid <> r.oid AND pg_has_role(m.oid, r.oid, 'MEMBER')), '{}') AS members
  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
  LEFT JOIN pg_roles r ON r.rolname = wanted.name
 ORDER BY wanted.place
