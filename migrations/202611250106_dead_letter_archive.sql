-- The archive as a place to work in: letters grouped by cause, each with a state that can be changed and taken back.

-- What went wrong with everything taken out that differs from letter to letter: ids, days, places in a list, quoted
-- values, counts (an HTTP status stays). Letters of the same text have the same cause, however many malls they are of.
-- Used by generated columns: a change of it needs a migration that writes them anew.
CREATE FUNCTION dead_cause(endpoint text, reason text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(endpoint || ': ', '') || left(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(left(reason, 500),
            '^the answer does not fit the contract at \$?\.?(\S*): ', '\1 '),
            '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '…', 'g'),
            '\d{4}-\d{2}-\d{2}', '…', 'g'),
            '"[^"]*"', '"…"', 'g'),
            '\[\d+\]', '[]', 'g'),
            '(?<!HTTP )(?<!\d)\d+', '…', 'g'), 200)
$$;
COMMENT ON FUNCTION dead_cause(text, text) IS 'A failure in words without what differs from letter to letter.';

-- Seven hexadecimal digits, one less than are shown of a letter's id, so that the two cannot be mistaken.
CREATE FUNCTION dead_cause_id(class text, endpoint text, reason text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(md5(class || chr(10) || dead_cause(endpoint, reason)), 7)
$$;
COMMENT ON FUNCTION dead_cause_id(text, text, text) IS 'Short name of a cause: what one class of failure says of one endpoint.';

ALTER TABLE dead_letters
    ADD COLUMN cause        text GENERATED ALWAYS AS (dead_cause(endpoint, reason)) STORED,
    ADD COLUMN cause_id     text GENERATED ALWAYS AS (dead_cause_id(class, endpoint, reason)) STORED,
    ADD COLUMN agency_id    text,
    ADD COLUMN history      jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN round        integer NOT NULL DEFAULT 1,
    ADD COLUMN replay_of    uuid,
    ADD COLUMN state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded', 'purged')),
    ADD COLUMN state_at     timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN state_by     text,
    ADD COLUMN state_reason text,
    ADD COLUMN state_before text CHECK (state_before IN ('open', 'replayed', 'discarded')),
    -- Of what was no job nothing else is left, so all of it is kept; a message of ours is at most 16 KiB.
    DROP CONSTRAINT dead_letters_body_check,
    ADD CONSTRAINT dead_letters_body_check CHECK (octet_length(body) <= 1048576),
    ADD CONSTRAINT dead_letters_undo CHECK ((state IN ('discarded', 'purged')) = (state_before IS NOT NULL));
UPDATE dead_letters SET state = 'replayed', state_at = replayed_at WHERE replayed_at IS NOT NULL;
UPDATE dead_letters d SET agency_id = c.agency_id FROM connectors c WHERE c.mall_id = d.mall_id;
ALTER TABLE dead_letters ADD CONSTRAINT dead_letters_replayed CHECK (state <> 'replayed' OR replay_run IS NOT NULL);

DROP INDEX dead_letters_open;
DROP INDEX dead_letters_mall;
-- The list of what waits for a person, newest first, and its filters by words (letter_filter.sql).
CREATE INDEX dead_letters_open ON dead_letters (died_at DESC, letter_id DESC) WHERE state = 'open';
-- A mall's letters; how many it has (mall_report.sql); the pages of a replay, a few malls each (replay_letters.sql).
CREATE INDEX dead_letters_mall ON dead_letters (mall_id, start_date, letter_id) WHERE state = 'open';
-- The letters of a cause (letter_filter.sql).
CREATE INDEX dead_letters_cause ON dead_letters (cause_id, died_at DESC) WHERE state = 'open';
-- An agency's letters (letter_filter.sql).
CREATE INDEX dead_letters_agency ON dead_letters (agency_id, died_at DESC) WHERE state = 'open';
-- Those of a class and an endpoint (letter_filter.sql).
CREATE INDEX dead_letters_kind ON dead_letters (class, endpoint, died_at DESC) WHERE state = 'open';
-- Those of a run (letter_filter.sql).
CREATE INDEX dead_letters_run ON dead_letters (run_id);
-- What is over: shown on request (letter_filter.sql), forgotten after its time (prune_letters.sql).
CREATE INDEX dead_letters_over ON dead_letters (state, state_at) WHERE state <> 'open';
-- The letter that a failed replay goes on from (archive_letters.sql); how many letters a run replays.
CREATE INDEX dead_letters_replay ON dead_letters (replay_run, mall_id, shop_no, endpoint, start_date) WHERE replay_run IS NOT NULL;

COMMENT ON COLUMN dead_letters.body IS 'The message byte for byte, its first MiB.';
COMMENT ON COLUMN dead_letters.cause IS 'The failure without ids, days, places and counts: what letters of one cause have in common.';
COMMENT ON COLUMN dead_letters.cause_id IS 'Short name of class and cause.';
COMMENT ON COLUMN dead_letters.agency_id IS 'The agency that the mall belonged to when the letter was archived.';
COMMENT ON COLUMN dead_letters.history IS 'Failed attempts, oldest first, those of replayed predecessors before its own; the last 20.';
COMMENT ON COLUMN dead_letters.round IS 'How often this has come to the archive: 1, and one more with each replay that failed.';
COMMENT ON COLUMN dead_letters.replay_of IS 'The letter whose replay failed with this one; it may have been forgotten since.';
COMMENT ON COLUMN dead_letters.state IS 'open: waits for a person. replayed: planned again. discarded: not wanted. purged: deleted 7 days later, until then it can be restored.';
COMMENT ON COLUMN dead_letters.state_at IS 'When it came to its state.';
COMMENT ON COLUMN dead_letters.state_by IS 'Who brought it there.';
COMMENT ON COLUMN dead_letters.state_reason IS 'Why, in that person''s words.';
COMMENT ON COLUMN dead_letters.state_before IS 'Where a restore brings it back to.';

ALTER TABLE jobs ADD COLUMN history jsonb;
COMMENT ON COLUMN jobs.history IS 'Failed attempts, oldest first, the last 20: at, worker, attempt, class, text. NULL: none failed.';

CREATE FUNCTION failed_attempt(history jsonb, worker text, attempt integer, class text, error text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN jsonb_array_length(history) >= 20 THEN history - 0 ELSE coalesce(history, '[]') END
        || jsonb_build_object('at', now(), 'worker', worker, 'attempt', attempt, 'class', class, 'text', left(error, 500))
$$;
COMMENT ON FUNCTION failed_attempt(jsonb, text, integer, text, text) IS 'A job''s history with one failed attempt more; the oldest of 20 makes room.';

-- A replay's job names its run, and the letter that was replayed names the same run: of several, the one that has come
-- back most often goes on.
CREATE FUNCTION replayed_letter(job jobs) RETURNS SETOF dead_letters LANGUAGE sql STABLE AS $$
    SELECT *
      FROM dead_letters d
     WHERE d.replay_run = job.run_id
       AND (d.mall_id, d.shop_no, d.endpoint, d.granularity) = (job.mall_id, job.shop_no, job.endpoint, job.granularity)
       AND d.start_date <= job.end_date AND d.end_date >= job.start_date
     ORDER BY d.round DESC, d.died_at DESC
     LIMIT 1
$$;
COMMENT ON FUNCTION replayed_letter(jobs) IS 'The letter whose replay planned the job, if one did.';

CREATE FUNCTION carried_history(before jsonb, own jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(entry ORDER BY place), '[]')
      FROM (SELECT entry, place
              FROM jsonb_array_elements(coalesce(before, '[]') || coalesce(own, '[]')) WITH ORDINALITY AS e (entry, place)
             ORDER BY place DESC
             LIMIT 20) AS newest
$$;
COMMENT ON FUNCTION carried_history(jsonb, jsonb) IS 'The last 20 failed attempts of a letter and of the one that goes on from it.';
