-- What the daemon fetches by itself: settings that differ from the configuration, and when each mall is due next.

COMMENT ON COLUMN slices.data_state IS 'partial: asked for before the period was final, that is ended in KST and settled (schedule.settle). complete: asked for after. restated: complete, and a later fetch brought other figures.';

-- Settings. A mall's go before its agency's, and those before the configuration.
CREATE TABLE schedules (
    schedule_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_id     text REFERENCES agencies ON DELETE CASCADE,
    mall_id       text REFERENCES connectors ON DELETE CASCADE,
    daily_at      time,
    lookback      integer CHECK (lookback BETWEEN 1 AND 31),
    today_minutes integer CHECK (today_minutes = 0 OR today_minutes BETWEEN 60 AND 720),
    sweep         integer CHECK (sweep = 0 OR sweep BETWEEN 2 AND 366),
    paused        text[] NOT NULL DEFAULT '{}' CHECK (paused <@ '{window,today,sweep,onboarding,gaps}'),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    text NOT NULL,
    CHECK (num_nonnulls(agency_id, mall_id) <= 1),
    -- What holds for all malls is the configuration's to say.
    CHECK (num_nonnulls(agency_id, mall_id) = 1 OR num_nonnulls(daily_at, lookback, today_minutes, sweep) = 0)
);
-- One row a scope, and the scopes of a mall (schedule_due.sql).
CREATE UNIQUE INDEX schedules_scope ON schedules (mall_id, agency_id) NULLS NOT DISTINCT;
-- The settings of a removed agency go with it (foreign key).
CREATE INDEX schedules_agency ON schedules (agency_id) WHERE agency_id IS NOT NULL;
COMMENT ON TABLE schedules IS 'Schedules that differ from the configuration: of a mall, of an agency, or, for pauses, of all (both NULL).';
COMMENT ON COLUMN schedules.schedule_id IS 'Order of making.';
COMMENT ON COLUMN schedules.agency_id IS 'The agency whose malls it is for.';
COMMENT ON COLUMN schedules.mall_id IS 'The mall it is for.';
COMMENT ON COLUMN schedules.daily_at IS 'When the last finished days are fetched, KST; NULL: as the next wider scope says, at last the configuration (so for all settings).';
COMMENT ON COLUMN schedules.lookback IS 'How many finished days are fetched each morning.';
COMMENT ON COLUMN schedules.today_minutes IS 'How often today is fetched, in minutes; 0: never.';
COMMENT ON COLUMN schedules.sweep IS 'How many finished days are fetched once a month; 0: none.';
COMMENT ON COLUMN schedules.paused IS 'Schedules that make no jobs here. A pause of a wider scope holds as well.';
COMMENT ON COLUMN schedules.updated_at IS 'Last change.';
COMMENT ON COLUMN schedules.updated_by IS 'Who made it.';

-- When. The row is the tick: who plans it moves it in the same transaction, so a tick is planned once, whoever leads.
CREATE TABLE schedule_ticks (
    mall_id  text NOT NULL REFERENCES connectors ON DELETE CASCADE,
    schedule text NOT NULL CHECK (schedule IN ('window', 'today', 'sweep', 'onboarding', 'gaps')),
    next_at  timestamptz,
    last_at  timestamptz,
    run_id   uuid REFERENCES runs,
    over     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (mall_id, schedule)
) WITH (fillfactor = 70);
-- What is due (schedule_due.sql), and what waits for longer than it can (schedule_align.sql).
CREATE INDEX schedule_ticks_due ON schedule_ticks (next_at, mall_id, schedule) WHERE next_at IS NOT NULL;
COMMENT ON TABLE schedule_ticks IS 'When each schedule of each mall is due: one row each, made with the mall.';
COMMENT ON COLUMN schedule_ticks.mall_id IS 'The mall.';
COMMENT ON COLUMN schedule_ticks.schedule IS 'window: the last finished days, each morning. today: the running day. sweep: a month, once a month. onboarding: the history of a new mall, once. gaps: whatever is missing.';
COMMENT ON COLUMN schedule_ticks.next_at IS 'When it is due. -infinity: to be worked out anew. NULL: not before something changes (the mall sends nothing, the schedule is off, paused or over).';
COMMENT ON COLUMN schedule_ticks.last_at IS 'The due time of the last tick that was planned, or when the mall came: what beat before it is not made up.';
COMMENT ON COLUMN schedule_ticks.run_id IS 'The run of that tick, if it wanted anything.';
COMMENT ON COLUMN schedule_ticks.over IS 'Whether it has been done for good: a mall is new only once.';

ALTER TABLE deployment ADD COLUMN scheduled_by text;
COMMENT ON COLUMN deployment.scheduled_by IS 'The settings that due times were last worked out by; when the configuration says others, all are worked out anew.';

CREATE FUNCTION connector_is_scheduled(state text, config jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT connector_sends(state, config) AND config ? 'oauth_tokens'
$$;
COMMENT ON FUNCTION connector_is_scheduled(text, jsonb) IS 'Whether anything is fetched by itself for a connector: it sends requests, and has tokens to send them with.';

CREATE FUNCTION connector_scheduled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- Of a mall without a first wanted day no history is wanted by itself. What beat before it came is not made up.
        INSERT INTO schedule_ticks (mall_id, schedule, last_at, next_at, over)
        SELECT NEW.mall_id, s.schedule, CASE WHEN s.schedule <> 'onboarding' THEN now() END,
               CASE WHEN connector_is_scheduled(NEW.state, NEW.config_json) AND NOT s.over THEN '-infinity'::timestamptz END, s.over
          FROM (SELECT schedule, schedule = 'onboarding' AND NEW.wanted_from IS NULL AS over
                  FROM unnest('{window,today,sweep,onboarding,gaps}'::text[]) AS schedule) AS s;
    ELSIF connector_is_scheduled(OLD.state, OLD.config_json) <> connector_is_scheduled(NEW.state, NEW.config_json)
          OR OLD.agency_id <> NEW.agency_id THEN
        UPDATE schedule_ticks
           SET next_at = CASE WHEN connector_is_scheduled(NEW.state, NEW.config_json) THEN '-infinity'::timestamptz END
         WHERE mall_id = NEW.mall_id AND NOT over;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION connector_scheduled() IS 'Keeps a mall''s due times in step with what it may do: a mall that sends nothing is never due, one that sends again is looked at at once.';

CREATE TRIGGER connector_scheduled AFTER INSERT OR UPDATE OF state, config_json, agency_id ON connectors
    FOR EACH ROW EXECUTE FUNCTION connector_scheduled();

-- Malls that were there before have their history already, as far as anybody wanted it.
INSERT INTO schedule_ticks (mall_id, schedule, last_at, next_at, over)
SELECT c.mall_id, s.schedule, now(),
       CASE WHEN connector_is_scheduled(c.state, c.config_json) AND s.schedule <> 'onboarding' THEN '-infinity'::timestamptz END,
       s.schedule = 'onboarding'
  FROM connectors c
 CROSS JOIN unnest('{window,today,sweep,onboarding,gaps}'::text[]) AS s (schedule);
