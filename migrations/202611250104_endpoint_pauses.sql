-- What is not called for now: one endpoint of one mall, or an endpoint of all malls, by a person or because the API
-- changed under us; and pauses that end by themselves.
--
-- The row decides, at once and everywhere (waits_for); the state of the jobs follows. A pause of one mall parks its
-- waiting jobs in its own transaction, as connector_changed does. A pause of all malls touches no job: the backlog may
-- hold a million of them, and whoever pauses (a worker, within a commit's time) must hold no locks that other malls'
-- jobs wait for. The daemon, told by NOTIFY, parks them in portions (park_paused.sql); until then a claim parks what
-- reaches a worker.

CREATE TABLE endpoint_pauses (
    pause_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint  text NOT NULL,
    mall_id   text REFERENCES connectors ON DELETE CASCADE,
    dialect   text,
    cause     text NOT NULL CHECK (cause IN ('operator', 'contract_violation', 'not_found')),
    reason    text NOT NULL,
    paused_by text NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    until     timestamptz,
    probes    uuid[] NOT NULL DEFAULT '{}',
    probed_at timestamptz,
    ended_at  timestamptz,
    ended_by  text,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (mall_id IS NULL OR cause = 'operator')
);
-- One open pause a subject, whoever asks for it at the same time (trip_breaker.sql); what a job waits for (waits_for).
CREATE UNIQUE INDEX endpoint_pauses_open ON endpoint_pauses (endpoint, mall_id, dialect) NULLS NOT DISTINCT
    WHERE ended_at IS NULL;
-- When a breaker was last lifted (trip_breaker.sql).
CREATE INDEX endpoint_pauses_ended ON endpoint_pauses (endpoint, ended_at DESC) WHERE ended_at IS NOT NULL;
-- The pauses of a removed mall go with it (foreign key).
CREATE INDEX endpoint_pauses_mall ON endpoint_pauses (mall_id) WHERE mall_id IS NOT NULL;
COMMENT ON TABLE endpoint_pauses IS 'Endpoints that are not called, now (ended_at IS NULL) and before. Their jobs wait as parked.';
COMMENT ON COLUMN endpoint_pauses.pause_id IS 'Order of the pauses.';
COMMENT ON COLUMN endpoint_pauses.endpoint IS 'visitors, pageviews, products or domains.';
COMMENT ON COLUMN endpoint_pauses.mall_id IS 'The mall; NULL: all malls.';
COMMENT ON COLUMN endpoint_pauses.dialect IS 'Only malls whose API speaks so; NULL: whatever they speak. What one dialect breaks says nothing of another.';
COMMENT ON COLUMN endpoint_pauses.cause IS 'operator: a person asked. contract_violation: answers of several malls do not fit the contract. not_found: HTTP 404 on the path.';
COMMENT ON COLUMN endpoint_pauses.reason IS 'In words, with an example of the answer''s defect.';
COMMENT ON COLUMN endpoint_pauses.paused_by IS 'Who paused: login@host, or worker:breaker.';
COMMENT ON COLUMN endpoint_pauses.since IS 'Since when.';
COMMENT ON COLUMN endpoint_pauses.until IS 'When it ends by itself; NULL: when somebody ends it.';
COMMENT ON COLUMN endpoint_pauses.probes IS 'Jobs that may run all the same, to see whether the API is well again; the first that is done ends the pause.';
COMMENT ON COLUMN endpoint_pauses.probed_at IS 'When the last probe was asked for.';
COMMENT ON COLUMN endpoint_pauses.ended_at IS 'When it ended; NULL: it holds.';
COMMENT ON COLUMN endpoint_pauses.ended_by IS 'Who ended it: login@host, worker:probe, or daemon:pauses when its time was over.';

ALTER TABLE connectors ADD COLUMN paused_until timestamptz;
COMMENT ON COLUMN connectors.paused_until IS 'When a pause ends by itself; NULL: when a person ends it. Means something only while the state is paused.';

-- Jobs that wait for their mall or an endpoint (reconcile_parked.sql); the triggers below.
CREATE INDEX jobs_parked ON jobs (mall_id, endpoint) WHERE work_state = 'parked';

CREATE FUNCTION waits_for(mall connectors, endpoint text, job_id uuid)
RETURNS TABLE (what text) LANGUAGE sql STABLE AS $$
    SELECT 'mall' WHERE NOT connector_sends(mall.state, mall.config_json)
    UNION ALL
    SELECT 'endpoint'
      FROM endpoint_pauses p
     WHERE p.ended_at IS NULL
       AND p.endpoint = $2
       AND (p.mall_id IS NULL OR p.mall_id = mall.mall_id)
       AND (p.dialect IS NULL OR p.dialect = mall.dialect)
       AND NOT $3 = ANY (p.probes)
     LIMIT 1
$$;
COMMENT ON FUNCTION waits_for(connectors, text, uuid) IS 'What keeps a job from being sent: its mall or its endpoint; no row: nothing does. The one place that decides this. A table function, since Postgres folds it into the statement that asks.';

-- Names of what changed, as workers hear them on cafe24_connectors: `mall`, `mall/endpoint`, `*/endpoint`.
CREATE FUNCTION endpoint_pause_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pause endpoint_pauses := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    holds boolean := TG_OP <> 'DELETE' AND pause.ended_at IS NULL;
    held  boolean := TG_OP <> 'INSERT' AND OLD.ended_at IS NULL;
BEGIN
    IF holds AND held THEN
        -- Probes: they may run now, and nobody needs to hear of it but the feeder.
        IF OLD.probes IS DISTINCT FROM NEW.probes THEN
            UPDATE jobs SET work_state = 'planned'
             WHERE job_id IN (SELECT job_id FROM jobs
                               WHERE job_id = ANY (NEW.probes) AND work_state = 'parked'
                               ORDER BY job_id FOR UPDATE);
            PERFORM pg_notify('cafe24_feed', limiter_key) FROM jobs WHERE job_id = ANY (NEW.probes);
        END IF;
        RETURN NULL;
    END IF;
    IF holds = held THEN
        RETURN NULL;
    END IF;
    IF pause.mall_id IS NOT NULL THEN
        IF holds THEN
            UPDATE jobs SET work_state = 'parked'
             WHERE job_id IN (SELECT job_id FROM jobs
                               WHERE mall_id = pause.mall_id AND endpoint = pause.endpoint AND work_state IN ('planned', 'queued')
                               ORDER BY job_id FOR UPDATE);
        ELSE
            UPDATE jobs SET work_state = 'planned'
             WHERE job_id IN (SELECT j.job_id
                                FROM jobs j
                                JOIN connectors c USING (mall_id)
                                LEFT JOIN LATERAL waits_for(c, j.endpoint, j.job_id) AS barrier ON true
                               WHERE j.mall_id = pause.mall_id AND j.endpoint = pause.endpoint AND j.work_state = 'parked'
                                 AND barrier.what IS NULL
                               ORDER BY j.job_id FOR UPDATE OF j);
            PERFORM pg_notify('cafe24_feed', limiter_key) FROM connectors WHERE mall_id = pause.mall_id;
        END IF;
    END IF;
    PERFORM pg_notify('cafe24_connectors', coalesce(pause.mall_id, '*') || '/' || pause.endpoint);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION endpoint_pause_changed() IS 'Keeps the waiting jobs of a mall''s endpoint in step with its pause, and tells workers and daemon.';

CREATE TRIGGER endpoint_pause_changed AFTER INSERT OR DELETE OR UPDATE OF ended_at, probes ON endpoint_pauses
    FOR EACH ROW EXECUTE FUNCTION endpoint_pause_changed();

-- As before, but a mall that sends again releases only what no pause of an endpoint keeps.
CREATE OR REPLACE FUNCTION connector_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
         WHERE job_id IN (SELECT j.job_id
                            FROM jobs j
                            LEFT JOIN LATERAL waits_for(NEW, j.endpoint, j.job_id) AS barrier ON true
                           WHERE j.mall_id = NEW.mall_id AND j.work_state = 'parked' AND barrier.what IS NULL
                           ORDER BY j.job_id FOR UPDATE OF j);
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
