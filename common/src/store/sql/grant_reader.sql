-- grant_reader.sql: a role reads the malls of an agency. $1 role $2 agency $3 purpose or NULL $4 who grants it
-- The role's number goes with its name: another role of the same name is another reader. Called by store/readers.rs only.
INSERT INTO readers AS r (role_name, role_id, agency_id, purpose, granted_by)
SELECT rolname, oid, $2, $3, $4 FROM pg_roles WHERE rolname = $1
ON CONFLICT (role_name) DO UPDATE
   SET role_id = excluded.role_id, agency_id = excluded.agency_id, purpose = excluded.purpose,
       granted_by = excluded.granted_by, granted_at = now()
