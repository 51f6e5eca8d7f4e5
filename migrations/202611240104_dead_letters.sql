-- What failed for good, kept until a person replays or discards it.

CREATE TABLE dead_letters (
    letter_id   uuid PRIMARY KEY,
    job_id      uuid,
    run_id      uuid,
    mall_id     text,
    shop_no     integer,
    endpoint    text,
    granularity text,
    start_date  date,
    end_date    date,
    lane        text,
    class       text NOT NULL,
    reason      text NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    evidence    jsonb,
    body        bytea NOT NULL CHECK (octet_length(body) <= 4096),
    body_bytes  bigint NOT NULL,
    body_hash   bigint NOT NULL,
    died_at     timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz NOT NULL DEFAULT now(),
    replay_run  uuid REFERENCES runs,
    replayed_at timestamptz,
    CHECK ((replay_run IS NULL) = (replayed_at IS NULL))
);
-- The list of what waits for a person, newest first (store/dead_letters.rs).
CREATE INDEX dead_letters_open ON dead_letters (died_at DESC) WHERE replayed_at IS NULL;
-- A redelivered unreadable message is recognised by its bytes (archive_letters.sql).
CREATE INDEX dead_letters_body ON dead_letters (body_hash) WHERE job_id IS NULL;
-- How many a mall has (mall_report.sql).
CREATE INDEX dead_letters_mall ON dead_letters (mall_id) WHERE replayed_at IS NULL;
COMMENT ON TABLE dead_letters IS 'Jobs that failed for good and messages that are no jobs, as archived from the broker''s dead-letter queue.';
COMMENT ON COLUMN dead_letters.letter_id IS 'The job''s id; a new id for a message that is no job.';
COMMENT ON COLUMN dead_letters.job_id IS 'The job, if the message was one that the ledger knows.';
COMMENT ON COLUMN dead_letters.run_id IS 'The wish the job belonged to.';
COMMENT ON COLUMN dead_letters.mall_id IS 'The mall.';
COMMENT ON COLUMN dead_letters.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN dead_letters.endpoint IS 'The endpoint.';
COMMENT ON COLUMN dead_letters.granularity IS 'day, week or month.';
COMMENT ON COLUMN dead_letters.start_date IS 'First KST day of the chunk.';
COMMENT ON COLUMN dead_letters.end_date IS 'Last KST day of the chunk.';
COMMENT ON COLUMN dead_letters.lane IS 'The lane the job was in.';
COMMENT ON COLUMN dead_letters.class IS 'Class of the failure (design.md §8).';
COMMENT ON COLUMN dead_letters.reason IS 'The failure in words.';
COMMENT ON COLUMN dead_letters.attempts IS 'Failed attempts, the last one included.';
COMMENT ON COLUMN dead_letters.evidence IS 'Request, status and the head of the answer; never a token.';
COMMENT ON COLUMN dead_letters.body IS 'The message byte for byte, its first 4 KiB.';
COMMENT ON COLUMN dead_letters.body_bytes IS 'The message''s whole length.';
COMMENT ON COLUMN dead_letters.body_hash IS 'XXH3 of the whole message.';
COMMENT ON COLUMN dead_letters.died_at IS 'When the job failed.';
COMMENT ON COLUMN dead_letters.archived_at IS 'When the letter was archived.';
COMMENT ON COLUMN dead_letters.replay_run IS 'The run that replays it.';
COMMENT ON COLUMN dead_letters.replayed_at IS 'When it was replayed.';
