-- Hours of backfills and pauses of lanes that an agency or a mall has of its own. What holds for all malls is the
-- configuration's to say (limits.backfill_hours) and stands in lane_pauses.

CREATE TABLE backfill_hours (
    backfill_hours_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_id text REFERENCES agencies ON DELETE CASCADE,
    mall_id   text REFERENCES connectors ON DELETE CASCADE,
    hours     text NOT NULL CHECK (hours = 'always' OR hours ~ '^\d\d:\d\d-\d\d:\d\d$'),
    set_by    text NOT NULL,
    set_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(agency_id, mall_id) = 1)
);
-- One row a scope, and the scopes of a mall (mall_lanes.sql).
CREATE UNIQUE INDEX backfill_hours_scope ON backfill_hours (mall_id, agency_id) NULLS NOT DISTINCT;
-- The hours of a removed agency go with it (foreign key).
CREATE INDEX backfill_hours_agency ON backfill_hours (agency_id) WHERE agency_id IS NOT NULL;
COMMENT ON TABLE backfill_hours IS 'When backfills of an agency''s malls, or of one mall, are sent, where that differs from limits.backfill_hours. A mall''s go before its agency''s.';
COMMENT ON COLUMN backfill_hours.backfill_hours_id IS 'Order of making.';
COMMENT ON COLUMN backfill_hours.agency_id IS 'The agency whose malls they are for.';
COMMENT ON COLUMN backfill_hours.mall_id IS 'The mall they are for.';
COMMENT ON COLUMN backfill_hours.hours IS 'From and to, KST, each day: 01:00-06:00, also over midnight; always: at any time.';
COMMENT ON COLUMN backfill_hours.set_by IS 'Who set them: login@host.';
COMMENT ON COLUMN backfill_hours.set_at IS 'When.';

CREATE TABLE scoped_lane_pauses (
    scoped_lane_pause_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane      text NOT NULL CHECK (lane IN ('fresh', 'backfill')),
    agency_id text REFERENCES agencies ON DELETE CASCADE,
    mall_id   text REFERENCES connectors ON DELETE CASCADE,
    reason    text NOT NULL,
    paused_by text NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(agency_id, mall_id) = 1)
);
-- One row a lane and scope, and the pauses of a mall (mall_lanes.sql).
CREATE UNIQUE INDEX scoped_lane_pauses_scope ON scoped_lane_pauses (mall_id, agency_id, lane) NULLS NOT DISTINCT;
-- The pauses of a removed agency go with it (foreign key).
CREATE INDEX scoped_lane_pauses_agency ON scoped_lane_pauses (agency_id) WHERE agency_id IS NOT NULL;
COMMENT ON TABLE scoped_lane_pauses IS 'Lanes of which the feeder publishes no job of an agency''s malls, or of one mall; they stay planned. A pause of a wider scope (lane_pauses) holds as well.';
COMMENT ON COLUMN scoped_lane_pauses.scoped_lane_pause_id IS 'Order of making.';
COMMENT ON COLUMN scoped_lane_pauses.lane IS 'fresh or backfill.';
COMMENT ON COLUMN scoped_lane_pauses.agency_id IS 'The agency whose malls wait.';
COMMENT ON COLUMN scoped_lane_pauses.mall_id IS 'The mall that waits.';
COMMENT ON COLUMN scoped_lane_pauses.reason IS 'In words.';
COMMENT ON COLUMN scoped_lane_pauses.paused_by IS 'Who paused it: login@host.';
COMMENT ON COLUMN scoped_lane_pauses.since IS 'Since when.';
