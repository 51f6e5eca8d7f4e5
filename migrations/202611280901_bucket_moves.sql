-- A mall that takes from another bucket waits until its API's own bucket is full.
--
-- A bucket (limiter_key) knows what was sent under its name, not what the mall was asked under the name before: it would be
-- believed full while the mall's API has just been emptied. So nothing is sent for the mall until whatever it was sent under
-- another name has had time to be refilled: 40 tokens at 2 a second are 20 s, and 10 s are for requests on their way. It stands
-- here and not in Redis so that it holds from the very commit that changes the name, whoever makes it, also while Redis is away.

ALTER TABLE connectors ADD COLUMN limiter_key_since timestamptz;
COMMENT ON COLUMN connectors.limiter_key_since IS 'When its requests began to take from another bucket (limiter_key); NULL: they always took from this one.';

ALTER TABLE jobs ADD COLUMN put_back_at timestamptz;
COMMENT ON COLUMN jobs.put_back_at IS 'When a claim of it last ended without ending the job: until then requests may have been sent under limiter_key.';

CREATE FUNCTION bucket_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Not now(), which is when the transaction began.
    NEW.limiter_key_since := clock_timestamp();
    -- What a worker has claimed under the other name and not sent yet comes back.
    PERFORM pg_notify('cafe24_connectors', NEW.mall_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION bucket_moved() IS 'Notes since when a mall takes from another bucket, and tells the workers.';

CREATE TRIGGER bucket_moved BEFORE UPDATE OF limiter_key ON connectors
    FOR EACH ROW WHEN (OLD.limiter_key <> NEW.limiter_key) EXECUTE FUNCTION bucket_moved();

-- As before, and the mall's bucket. Jobs that were claimed under the other name run until they end or are put back: what they
-- send is counted from when the last of them is over. One that was put back keeps the name until its next claim (claim.sql).
CREATE OR REPLACE FUNCTION waits_for(mall connectors, endpoint text, job_id uuid)
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
    UNION ALL
    SELECT 'bucket' WHERE mall.limiter_key_since > now() - interval '30 seconds'
    UNION ALL
    SELECT 'bucket'
      FROM jobs other
     WHERE mall.limiter_key_since > now() - interval '1 hour'
       AND other.mall_id = mall.mall_id
       AND other.limiter_key <> mall.limiter_key
       AND (other.work_state = 'running'
            OR other.finished_at > now() - interval '30 seconds'
            OR other.put_back_at > now() - interval '30 seconds')
     LIMIT 1
$$;
COMMENT ON FUNCTION waits_for(connectors, text, uuid) IS 'What keeps a job from being sent: its mall, its endpoint, or its mall''s bucket; no row: nothing does. The one place that decides this. A table function, since Postgres folds it into the statement that asks.';
