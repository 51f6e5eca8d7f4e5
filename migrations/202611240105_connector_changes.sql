-- A connector's state and its waiting jobs change together, whoever makes the change.
--
-- Leaving `active` (or `mode: api`) parks what waits, coming back releases it, removing the row cancels it, a new limiter
-- key takes it along. Workers and the feeder are told by NOTIFY, so that a paused mall stops within a second. Jobs that a
-- worker has claimed are left to it: it hears the same NOTIFY and hands them back.
-- Rows of one mall are locked in job_id order, as everywhere; a transaction that changes several malls may meet a batch
-- in the other order, and Postgres asks one of the two to run again.

CREATE FUNCTION connector_sends(state text, config jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT state = 'active' AND config ->> 'mode' = 'api'
$$;
COMMENT ON FUNCTION connector_sends(text, jsonb) IS 'Whether requests may be sent for a connector.';

CREATE FUNCTION connector_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE jobs SET work_state = 'cancelled', finished_at = now(), error = 'the mall was removed'
         WHERE job_id IN (SELECT job_id FROM jobs
                           WHERE mall_id = OLD.mall_id AND work_state IN ('planned', 'queued', 'parked')
                           ORDER BY job_id FOR UPDATE);
        PERFORM pg_notify('cafe24_connectors', OLD.mall_id);
        RETURN OLD;
    END IF;
    IF OLD.limiter_key <> NEW.limiter_key THEN
        -- A job's bucket is its mall's: left behind, it would take from one that nobody fills its window for.
        UPDATE jobs SET limiter_key = NEW.limiter_key
         WHERE job_id IN (SELECT job_id FROM jobs
                           WHERE mall_id = NEW.mall_id AND work_state IN ('planned', 'queued', 'parked')
                           ORDER BY job_id FOR UPDATE);
        PERFORM pg_notify('cafe24_feed', NEW.limiter_key);
    END IF;
    IF connector_sends(OLD.state, OLD.config_json) = connector_sends(NEW.state, NEW.config_json) THEN
        RETURN NEW;
    END IF;
    IF connector_sends(NEW.state, NEW.config_json) THEN
        UPDATE jobs SET work_state = 'planned'
         WHERE job_id IN (SELECT job_id FROM jobs
                           WHERE mall_id = NEW.mall_id AND work_state = 'parked'
                           ORDER BY job_id FOR UPDATE);
        PERFORM pg_notify('cafe24_feed', NEW.limiter_key);
    ELSE
        UPDATE jobs SET work_state = 'parked'
         WHERE job_id IN (SELECT job_id FROM jobs
                           WHERE mall_id = NEW.mall_id AND work_state IN ('planned', 'queued')
                           ORDER BY job_id FOR UPDATE);
    END IF;
    PERFORM pg_notify('cafe24_connectors', NEW.mall_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION connector_changed() IS 'Keeps a connector''s waiting jobs in step with its state.';

CREATE TRIGGER connector_changed AFTER DELETE OR UPDATE OF state, config_json, limiter_key ON connectors
    FOR EACH ROW EXECUTE FUNCTION connector_changed();
