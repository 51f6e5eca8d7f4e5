-- missing_rights.sql: which of the named rights a role does not have, be it by itself, as a member, or as everybody.
-- $1 kind[] (schema, table, sequence) $2 object[] $3 column[] ('' for the whole object) $4 role[] $5 privilege[]; equal lengths
-- Returns their places, from 1. A role that is not there lacks everything; an object that is not there is left out: the
-- schema is another one, which is told elsewhere.
-- CASE keeps Postgres from asking about what is not there, which is an error. Called by store/rights.rs only.
SELECT place
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       WITH ORDINALITY AS r (kind, object, col, role, privilege, place)
 WHERE CASE
           WHEN kind = 'schema' AND to_regnamespace(object) IS NULL THEN false
           WHEN kind <> 'schema' AND to_regclass(object) IS NULL THEN false
           WHEN to_regrole(role) IS NULL THEN true
           WHEN kind = 'schema' THEN NOT has_schema_privilege(role, object, privilege)
           WHEN kind = 'sequence' THEN NOT has_sequence_privilege(role, object, privilege)
           WHEN col <> '' THEN NOT has_column_privilege(role, object, col, privilege)
           ELSE NOT has_table_privilege(role, object, privilege)
       END
 ORDER BY place
