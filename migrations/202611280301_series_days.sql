-- The state of malls without a look at every slice (docs/adr/0022).
--
-- One row a mall, shop and endpoint holds a letter for each of its days. It knows no clock and no wish: what day it is, since
-- when a mall is wanted and what is paused is asked when it is read, so that none of these makes a row old. A change of a
-- slice does not touch it; it leaves a mark, and marks are only added, so that no commit waits for another. Who reads takes
-- the kept row where there is no mark, and the slices themselves where there is one: with one snapshot that is always exact.
-- A duty of the daemon (tally) folds the marks in and takes them away.

-- What is there already is looked through once, below; that may take longer than a statement of ours otherwise may.
SET LOCAL statement_timeout = 0;

CREATE TABLE series_days (
    mall_id         text NOT NULL,
    shop_no         integer NOT NULL,
    endpoint        text NOT NULL,
    first_day       date NOT NULL,
    days            text NOT NULL CHECK (translate(days, 'mpcr', '') = ''),
    last_success_at timestamptz NOT NULL,
    folded_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mall_id, shop_no, endpoint)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE series_days IS 'What is there of each shop and endpoint of a mall, kept from slices; not so for those that stand in series_changed. Read it through series_states. No row: no slice.';
COMMENT ON COLUMN series_days.mall_id IS 'The mall; no reference, what was fetched of a removed mall is still there.';
COMMENT ON COLUMN series_days.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN series_days.endpoint IS 'The endpoint.';
COMMENT ON COLUMN series_days.first_day IS 'The KST day of the first letter: the first that has a slice.';
COMMENT ON COLUMN series_days.days IS 'A letter a KST day up to the last that has a slice: the first one of missing, partial, complete or restated. A day outside is missing.';
COMMENT ON COLUMN series_days.last_success_at IS 'When a fetch last brought something.';
COMMENT ON COLUMN series_days.folded_at IS 'When it was last read from slices.';

CREATE TABLE series_changed (
    mall_id  text NOT NULL,
    shop_no  integer NOT NULL,
    endpoint text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = 20000);
-- Whether a series changed (series_states), and all marks of one (fold_series.sql).
CREATE INDEX series_changed_series ON series_changed (mall_id, shop_no, endpoint);
COMMENT ON TABLE series_changed IS 'Marks: a slice of this shop and endpoint changed after series_days was last read from slices. Written by triggers in the transaction of the change, any number a series; taken away by the fold alone.';
COMMENT ON COLUMN series_changed.mall_id IS 'The mall.';
COMMENT ON COLUMN series_changed.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN series_changed.endpoint IS 'The endpoint.';

-- For whoever writes slices, not for one program's statements. A worker may add marks and read none, so what it adds is
-- not looked for first.
CREATE FUNCTION series_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series_changed (mall_id, shop_no, endpoint)
    SELECT DISTINCT mall_id, shop_no, endpoint FROM touched WHERE granularity = 'day';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION series_marked() IS 'Marks the shops and endpoints of the slices that a statement wrote.';
CREATE TRIGGER series_inserted AFTER INSERT ON slices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION series_marked();
CREATE TRIGGER series_updated AFTER UPDATE ON slices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION series_marked();
CREATE TRIGGER series_deleted AFTER DELETE ON slices
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION series_marked();

-- No program moves a slice to another series, nor empties the table. A hand that does so leaves its marks as well.
CREATE FUNCTION series_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO series_changed (mall_id, shop_no, endpoint) SELECT mall_id, shop_no, endpoint FROM series_days;
    ELSE
        INSERT INTO series_changed (mall_id, shop_no, endpoint) VALUES (OLD.mall_id, OLD.shop_no, OLD.endpoint);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION series_left() IS 'Marks the shop and endpoint that a slice was taken from.';
CREATE TRIGGER series_left AFTER UPDATE OF mall_id, shop_no, endpoint, granularity ON slices
    FOR EACH ROW WHEN ((OLD.mall_id, OLD.shop_no, OLD.endpoint, OLD.granularity) IS DISTINCT FROM (NEW.mall_id, NEW.shop_no, NEW.endpoint, NEW.granularity))
    EXECUTE FUNCTION series_left();
CREATE TRIGGER series_emptied AFTER TRUNCATE ON slices FOR EACH STATEMENT EXECUTE FUNCTION series_left();

-- What is there already is folded by the daemon; until then it is read as it was before.
INSERT INTO series_changed (mall_id, shop_no, endpoint)
SELECT DISTINCT mall_id, shop_no, endpoint FROM slices WHERE granularity = 'day';

CREATE VIEW series_truth AS
SELECT mall_id, shop_no, endpoint, min(date) AS first_day,
       string_agg(repeat('m', before) || left(data_state, 1), '' ORDER BY date) AS days, max(fetched_at) AS last_success_at
  FROM (SELECT mall_id, shop_no, endpoint, date, data_state, fetched_at,
               coalesce(date - lag(date) OVER (PARTITION BY mall_id, shop_no, endpoint ORDER BY date) - 1, 0) AS before
          FROM slices
         WHERE granularity = 'day') AS slice
 GROUP BY mall_id, shop_no, endpoint;
COMMENT ON VIEW series_truth IS 'What series_days is to hold, from slices: one row a shop and endpoint of a mall. Ask it by all three (OFFSET 0); of all it reads every slice.';
COMMENT ON COLUMN series_truth.mall_id IS 'The mall.';
COMMENT ON COLUMN series_truth.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN series_truth.endpoint IS 'The endpoint.';
COMMENT ON COLUMN series_truth.first_day IS 'The first KST day that has a slice.';
COMMENT ON COLUMN series_truth.days IS 'A letter a KST day up to the last that has a slice: the first one of missing, partial, complete or restated.';
COMMENT ON COLUMN series_truth.last_success_at IS 'When a fetch last brought something.';

-- Letters of the days from `wanted` on.
CREATE FUNCTION days_from(first_day date, days text, wanted date) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN first_day IS NULL OR wanted IS NULL THEN ''
                WHEN wanted <= first_day THEN repeat('m', first_day - wanted) || days
                ELSE substr(days, wanted - first_day + 1) END
$$;
COMMENT ON FUNCTION days_from(date, text, date) IS 'The letters of series_days from a KST day on; days behind the last letter are missing.';

CREATE VIEW series_states AS
SELECT w.mall_id, w.agency_id, w.shop_no, w.endpoint, w.wanted_from, w.counts, w.state, w.state_reason, w.created_at,
       w.pause_cause, w.pause_reason, have.last_success_at, days_from(have.first_day, have.days, w.wanted_from) AS days
  FROM wanted_series w
 CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM series_changed c
                    WHERE c.mall_id = w.mall_id AND c.shop_no = w.shop_no AND c.endpoint = w.endpoint) AS changed
    OFFSET 0) AS mark
  LEFT JOIN LATERAL (
    SELECT k.first_day, k.days, k.last_success_at
      FROM series_days k
     WHERE NOT mark.changed AND k.mall_id = w.mall_id AND k.shop_no = w.shop_no AND k.endpoint = w.endpoint
     UNION ALL
    SELECT t.first_day, t.days, t.last_success_at
      FROM series_truth t
     WHERE mark.changed AND t.mall_id = w.mall_id AND t.shop_no = w.shop_no AND t.endpoint = w.endpoint
    -- One at most; said, since the planner takes it for a hundred.
     LIMIT 1) AS have ON true;
COMMENT ON VIEW series_states IS 'What is wanted of each mall (wanted_series) and what is there of it, one row a shop and endpoint: from series_days, or from slices where they changed since. Ask it by mall_id; of all malls it is a second.';
COMMENT ON COLUMN series_states.mall_id IS 'The mall.';
COMMENT ON COLUMN series_states.agency_id IS 'Its agency.';
COMMENT ON COLUMN series_states.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN series_states.endpoint IS 'The endpoint.';
COMMENT ON COLUMN series_states.wanted_from IS 'First KST day that is wanted; NULL: nothing yet.';
COMMENT ON COLUMN series_states.counts IS 'Whether requests are sent at all (mode "api"); of other malls nothing is wanted.';
COMMENT ON COLUMN series_states.state IS 'State of the connection (connectors.state).';
COMMENT ON COLUMN series_states.state_reason IS 'Why it is not active.';
COMMENT ON COLUMN series_states.created_at IS 'When the mall was first imported.';
COMMENT ON COLUMN series_states.pause_cause IS 'Why the endpoint is paused (endpoint_pauses.cause); NULL: it is not.';
COMMENT ON COLUMN series_states.pause_reason IS 'The same in words.';
COMMENT ON COLUMN series_states.last_success_at IS 'When a fetch last brought something, of whatever day; NULL: never.';
COMMENT ON COLUMN series_states.days IS 'A letter a KST day from wanted_from on: the first one of missing, partial, complete or restated. What lies behind the last letter is missing.';

-- As before, but from the letters: the same columns, the same words.
CREATE OR REPLACE VIEW series_freshness AS
WITH counted AS (
    SELECT w.*, clock.*,
           w.wanted_from + nullif(have.reach, 0) - 1 AS complete_through,
           w.wanted_from + have.hole AS complete_since,
           coalesce(greatest(clock.yesterday - w.wanted_from + 1, 0) - have.complete, 0) AS gap_days,
           coalesce(greatest(clock.due_day - w.wanted_from + 1, 0) - have.complete_due, 0) AS due_days,
           work.jobs, work.history, dead.letters, dead.cause
      FROM series_states w
     CROSS JOIN freshness_clock AS clock
     CROSS JOIN LATERAL (
        -- reach: letters up to the last complete day. hole: of these, up to the last that is not complete.
        SELECT length(translate(left(w.days, greatest(clock.yesterday - w.wanted_from + 1, 0)), 'mp', '')) AS complete,
               length(translate(left(w.days, greatest(clock.due_day - w.wanted_from + 1, 0)), 'mp', '')) AS complete_due,
               length(rtrim(w.days, 'mp')) AS reach,
               length(rtrim(rtrim(w.days, 'mp'), 'cr')) AS hole
        OFFSET 0) AS have
     CROSS JOIN LATERAL (
        SELECT count(*) AS jobs, count(*) FILTER (WHERE start_date < w.wanted_from) AS history
          FROM jobs
         WHERE mall_id = w.mall_id AND shop_no = w.shop_no AND endpoint = w.endpoint AND granularity = 'day'
           AND work_state IN ('planned', 'queued', 'running', 'parked')) AS work
     CROSS JOIN LATERAL (
        SELECT count(*) AS letters, (array_agg(d.cause ORDER BY d.died_at DESC))[1] AS cause
          FROM dead_letters d
         WHERE d.mall_id = w.mall_id AND d.shop_no = w.shop_no AND d.endpoint = w.endpoint AND d.state = 'open') AS dead
), judged AS (
    -- The first that holds. A mall that came after the deadline has until the next one.
    SELECT *,
           CASE
               WHEN NOT counts THEN 'mode'
               WHEN state = 'paused' THEN 'mall_paused'
               WHEN state <> 'active' THEN 'mall_stopped'
               WHEN pause_cause = 'operator' THEN 'endpoint_paused'
               WHEN pause_cause IS NOT NULL THEN 'endpoint_broken'
               WHEN letters > 0 THEN 'dead'
               WHEN wanted_from IS NULL THEN CASE WHEN jobs > 0 THEN 'begins' ELSE 'never_asked' END
               WHEN gap_days = 0 THEN CASE WHEN history > 0 THEN 'history' ELSE 'fresh' END
               WHEN due_days = 0 OR created_at > due_at THEN 'not_due'
               WHEN complete_through IS NULL OR complete_through < due_day THEN 'behind'
               WHEN jobs = 0 THEN 'forgotten'
               ELSE 'filling'
           END AS verdict
      FROM counted
)
SELECT mall_id, agency_id, shop_no, endpoint, wanted_from,
       CASE WHEN complete_through IS NULL THEN NULL
            WHEN gap_days = 0 THEN wanted_from
            ELSE complete_since END AS complete_since,
       complete_through, gap_days, last_success_at, jobs, letters,
       CASE
           WHEN verdict IN ('mode', 'mall_paused', 'endpoint_paused') THEN 'paused'
           WHEN verdict IN ('mall_stopped', 'endpoint_broken', 'dead', 'never_asked') THEN 'needs_you'
           WHEN verdict IN ('behind', 'forgotten') THEN 'late'
           WHEN verdict = 'fresh' THEN 'fresh'
           ELSE 'catching_up'
       END AS status,
       CASE verdict
           WHEN 'mode' THEN 'the mode is not "api": nothing is sent'
           WHEN 'mall_paused' THEN concat_ws(': ', 'the mall is paused', nullif(state_reason, ''))
           WHEN 'mall_stopped' THEN concat_ws(': ', replace(state, '_', ' '), nullif(state_reason, ''))
           WHEN 'endpoint_paused' THEN concat_ws(': ', 'the endpoint is paused', nullif(pause_reason, ''))
           WHEN 'endpoint_broken' THEN concat_ws(': ', endpoint || ' is paused since the API changed', nullif(pause_reason, ''))
           WHEN 'dead' THEN format('%s failed for good: %s', CASE letters WHEN 1 THEN '1 job' ELSE letters || ' jobs' END, cause)
           WHEN 'never_asked' THEN 'no day was ever asked for'
           WHEN 'begins' THEN 'the first days are being fetched'
           WHEN 'history' THEN 'older days are being fetched'
           WHEN 'not_due' THEN format('due by %s', to_char(fresh_by, 'HH24:MI'))
           WHEN 'behind' THEN CASE WHEN complete_through IS NULL THEN 'no day is complete yet' ELSE format('complete through %s only', complete_through) END
           WHEN 'forgotten' THEN format('%s missing before %s, and nothing fetches them', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END, complete_through)
           WHEN 'filling' THEN format('%s missing, being fetched', CASE gap_days WHEN 1 THEN '1 day' ELSE gap_days || ' days' END)
       END AS reason,
       CASE WHEN wanted_from > today OR wanted_from IS NULL THEN NULL
            WHEN substr(days, today - wanted_from + 1, 1) = 'p' THEN 'today_partial'
            WHEN substr(days, today - wanted_from + 1, 1) IN ('c', 'r') THEN 'complete'
            ELSE 'not_yet' END AS today_state
  FROM judged;
COMMENT ON COLUMN series_freshness.today_state IS 'What is there of the KST day that is not over, which is never a gap: today_partial, not_yet; NULL: it is not wanted.';
COMMENT ON COLUMN series_freshness.last_success_at IS 'When a fetch last brought something, of whatever day.';
