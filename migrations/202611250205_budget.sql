-- What an operator sets of budgets: a share of a bucket for other software, and lanes that are not sent.

CREATE TABLE limiter_settings (
    limiter_key text PRIMARY KEY CHECK (limiter_key ~ '^[!-z|~]{1,200}$'),
    reserve     smallint NOT NULL CHECK (reserve BETWEEN 0 AND 90),
    set_by      text NOT NULL,
    set_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE limiter_settings IS 'Limiter keys whose bucket is shared otherwise than [limits] says; all others have no row. Claims carry it to the workers.';
COMMENT ON COLUMN limiter_settings.limiter_key IS 'The token bucket; the mall id unless several malls share a bucket.';
COMMENT ON COLUMN limiter_settings.reserve IS 'Percent of the bucket, of its tokens and its refill, that is left to other software.';
COMMENT ON COLUMN limiter_settings.set_by IS 'Who set it: login@host.';
COMMENT ON COLUMN limiter_settings.set_at IS 'When.';

CREATE TABLE lane_pauses (
    lane      text PRIMARY KEY CHECK (lane IN ('fresh', 'backfill')),
    reason    text NOT NULL,
    paused_by text NOT NULL,
    since     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lane_pauses IS 'Lanes whose jobs the feeder does not publish; they stay planned. A lane that is sent has no row.';
COMMENT ON COLUMN lane_pauses.lane IS 'fresh or backfill.';
COMMENT ON COLUMN lane_pauses.reason IS 'In words.';
COMMENT ON COLUMN lane_pauses.paused_by IS 'Who paused it: login@host.';
COMMENT ON COLUMN lane_pauses.since IS 'Since when.';

-- Requests that one job of `days` days will take where answers come in pages of `page_rows` new rows (demand.sql,
-- plan_jobs.sql). Learned from the days that were fetched last (slices_pkey); 1 where none was, and where answers come whole.
CREATE FUNCTION expected_requests(mall text, shop integer, endpoint text, days integer, page_rows integer)
RETURNS float8 LANGUAGE sql STABLE AS $$
    SELECT coalesce(CASE WHEN $4 = 1 THEN avg(greatest(1, ceil(recent.rows::float8 / $5)))
                         ELSE greatest(1, ceil(avg(recent.rows)::float8 * $4 / $5)) END, 1)
      FROM (SELECT s.rows
              FROM slices s
             WHERE (s.mall_id, s.shop_no, s.endpoint, s.granularity) = ($1, $2, $3, 'day')
             ORDER BY s.date DESC
             LIMIT 30) AS recent
$$;
COMMENT ON FUNCTION expected_requests(text, integer, text, integer, integer) IS 'Pages that a chunk of an endpoint will have, by the 30 newest days that were fetched of it.';
