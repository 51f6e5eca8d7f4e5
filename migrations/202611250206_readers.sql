-- Who may read which malls: agencies' readers, the purposes that a mall's data may be used for, and row-level security
-- on every table that analysts read (docs/adr/0018).
--
-- A reader cannot choose what he is: the rules ask `session_user`, the role that logged in, which neither SET ROLE nor any
-- setting changes. What nobody granted is closed: no reader, no row; no mall connected, no row; another agency, no row.

CREATE TABLE approvals (
    mall_id     text NOT NULL REFERENCES connectors ON DELETE CASCADE,
    agency_id   text NOT NULL REFERENCES agencies,
    purpose     text NOT NULL CHECK (purpose ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    reference   text CHECK (length(reference) BETWEEN 1 AND 200),
    approved_on date,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mall_id, agency_id, purpose)
);
-- An agency's malls that are approved for a purpose (visible_malls).
CREATE INDEX approvals_agency ON approvals (agency_id, purpose, mall_id);
COMMENT ON TABLE approvals IS 'What a mall''s operator has approved its data to be used for, by whom. A mall that changes its agency takes none along; who approved what before is in audit_log.';
COMMENT ON COLUMN approvals.mall_id IS 'The mall.';
COMMENT ON COLUMN approvals.agency_id IS 'The agency that the approval was given to; it counts for no other.';
COMMENT ON COLUMN approvals.purpose IS 'What for: a purpose or a channel, such as reporting, ads or benchmark.';
COMMENT ON COLUMN approvals.reference IS 'Where the approval is written down: a contract, a form, a mail.';
COMMENT ON COLUMN approvals.approved_on IS 'The day it was given.';
COMMENT ON COLUMN approvals.recorded_by IS 'Who recorded it: login@host of the command line.';
COMMENT ON COLUMN approvals.recorded_at IS 'When it was recorded.';

CREATE TABLE readers (
    role_name  name PRIMARY KEY,
    role_id    oid NOT NULL,
    agency_id  text NOT NULL REFERENCES agencies,
    purpose    text CHECK (purpose ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE readers IS 'Login roles of analysts and the agency whose malls each may read (cafe24-sync db grants).';
COMMENT ON COLUMN readers.role_name IS 'The role that logs in.';
COMMENT ON COLUMN readers.role_id IS 'Its number in this cluster: a later role of the same name, or a copy of this database elsewhere, is another reader and sees nothing.';
COMMENT ON COLUMN readers.agency_id IS 'Its agency.';
COMMENT ON COLUMN readers.purpose IS 'Only malls that are approved for this purpose; NULL: all malls of the agency.';
COMMENT ON COLUMN readers.granted_by IS 'Who granted it: login@host of the command line.';
COMMENT ON COLUMN readers.granted_at IS 'When it was last granted.';

-- Figures carry no agency: whose they are is decided by whose the mall is. So that a new agency does not inherit what an
-- older one fetched, the day on which the mall came to it is kept, also over a removal.
CREATE TABLE mall_agencies (
    mall_id    text PRIMARY KEY,
    agency_id  text,
    shown_from date
);
COMMENT ON TABLE mall_agencies IS 'The agency that a mall is, or was last, connected for; kept by a trigger on connectors, and after a removal.';
COMMENT ON COLUMN mall_agencies.mall_id IS 'The mall; no reference, a removed mall is remembered.';
COMMENT ON COLUMN mall_agencies.agency_id IS 'Its agency. NULL: removed before this was recorded, so that whoever connects it is another one.';
COMMENT ON COLUMN mall_agencies.shown_from IS 'First KST day that readers see: the day on which the mall came from another agency. NULL: all days.';

INSERT INTO mall_agencies (mall_id, agency_id) SELECT mall_id, agency_id FROM connectors;
INSERT INTO mall_agencies (mall_id) SELECT DISTINCT mall_id FROM slices ON CONFLICT DO NOTHING;

-- The day of the move is shown: its figures are final only if they were fetched after its end, so by the new agency.
CREATE FUNCTION mall_came_to_agency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mall_agencies AS known (mall_id, agency_id) VALUES (NEW.mall_id, NEW.agency_id)
    ON CONFLICT (mall_id) DO UPDATE
       SET agency_id = excluded.agency_id, shown_from = (now() AT TIME ZONE 'Asia/Seoul')::date
     WHERE known.agency_id IS DISTINCT FROM excluded.agency_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION mall_came_to_agency() IS 'Remembers whose a mall is, and since which day if it was another''s before.';

CREATE TRIGGER mall_came_to_agency AFTER INSERT OR UPDATE OF agency_id ON connectors
    FOR EACH ROW EXECUTE FUNCTION mall_came_to_agency();

-- The rule, said once. Who may read it: the programs; readers meet it through the functions below.
CREATE VIEW reader_malls AS
SELECT r.role_name, c.mall_id, known.shown_from
  FROM readers r
  JOIN pg_roles role ON role.oid = r.role_id AND role.rolname = r.role_name
  JOIN connectors c ON c.agency_id = r.agency_id
  JOIN mall_agencies known ON known.mall_id = c.mall_id AND known.agency_id = c.agency_id
 WHERE r.purpose IS NULL
    OR EXISTS (SELECT FROM approvals a WHERE (a.mall_id, a.agency_id, a.purpose) = (c.mall_id, c.agency_id, r.purpose));
COMMENT ON VIEW reader_malls IS 'Which reader may read which malls: connected malls of his agency, approved for his purpose if he has one.';
COMMENT ON COLUMN reader_malls.role_name IS 'The role that logs in.';
COMMENT ON COLUMN reader_malls.mall_id IS 'A mall that it may read.';
COMMENT ON COLUMN reader_malls.shown_from IS 'First KST day that it sees; NULL: all days.';

-- These run with the rights of the tables' owner, so that readers need none on connectors, where the tokens are.

CREATE FUNCTION visible_malls() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(array_agg(mall_id), '{}')
      FROM connectors
     WHERE has_table_privilege(session_user, 'public.connectors', 'SELECT')
        OR mall_id IN (SELECT m.mall_id FROM reader_malls m WHERE m.role_name = session_user)
$$;
COMMENT ON FUNCTION visible_malls() IS 'The malls of the reader who is logged in; all malls for who may read connectors anyway, that is the programs and the owner; none for everybody else.';

CREATE FUNCTION first_days_shown() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_object_agg(mall_id, shown_from) FROM reader_malls WHERE role_name = session_user AND shown_from IS NOT NULL
$$;
COMMENT ON FUNCTION first_days_shown() IS 'The reader''s malls that came from another agency, and the first KST day that is shown of each. NULL: there are none.';

CREATE FUNCTION visible_series()
RETURNS TABLE (mall_id text, shop_no integer, endpoint text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.mall_id, shop_no, endpoint
      FROM connectors c
     CROSS JOIN LATERAL unnest(c.shops) AS shop_no
     CROSS JOIN LATERAL unnest(c.endpoints) AS endpoint
     WHERE c.mall_id = ANY (visible_malls())
$$;
COMMENT ON FUNCTION visible_series() IS 'Shops and endpoints that are wanted of the visible malls. Nothing of their tokens.';

-- FORCE holds the owner to the rule as well, and the owner's rule asks who really runs the statement (current_user stays
-- that of the session under a view of the owner's): a view that somebody forgets to make security_invoker shows analysts
-- nothing instead of everything. A superuser is held to nothing.
-- The rules of the programs and of the readers name roles, which belong to the cluster: common/src/store/rights.rs.
DO $$
DECLARE
    subject text;
BEGIN
    FOREACH subject IN ARRAY '{metrics_daily,metrics_weekly,metrics_monthly,products,slices}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (has_table_privilege(''public.connectors'', ''SELECT''))', subject);
    END LOOP;
END
$$;
