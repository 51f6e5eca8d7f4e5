-- Who did what by hand: every call that removes, discards, replays, pauses, connects or changes a key leaves a row,
-- written in the transaction of its effect (store/audit.rs).

CREATE TABLE audit_log (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    action   text NOT NULL,
    mall_id  text,
    target   text NOT NULL,
    plan_id  text,
    details  jsonb NOT NULL DEFAULT '{}'
);
-- A mall's history, newest first (malls show).
CREATE INDEX audit_log_mall ON audit_log (mall_id, entry_id DESC);
COMMENT ON TABLE audit_log IS 'What people did, and what the daemon did in their name; rows are only added (trigger).';
COMMENT ON COLUMN audit_log.entry_id IS 'Order of writing.';
COMMENT ON COLUMN audit_log.at IS 'When the transaction of the effect began.';
COMMENT ON COLUMN audit_log.actor IS 'Who: login@host of the command line, or the part of the daemon.';
COMMENT ON COLUMN audit_log.action IS 'What: noun.verb, as on the command line.';
COMMENT ON COLUMN audit_log.mall_id IS 'The mall, if the call was about one; no reference, a removed mall keeps its history.';
COMMENT ON COLUMN audit_log.target IS 'On what: an id, a filter, a key id.';
COMMENT ON COLUMN audit_log.plan_id IS 'The plan that was shown and confirmed.';
COMMENT ON COLUMN audit_log.details IS 'Counts and reasons; never a token.';

-- Also who may write everything else may not rewrite history.
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log takes no %', lower(TG_OP) USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION audit_log_is_append_only() IS 'Refuses every change of a written entry.';

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
