-- The ledger: what we have (slices), what is being done (jobs), and who asked (runs).

-- Orders fetches: taken by the claim, before the fetch. A slice takes a write only from a higher fence than it has.
CREATE SEQUENCE fences;

-- The server's timeline stands before the number: a failover may set a sequence back, but it raises the timeline.
-- 23 bits of timeline, 40 bits of sequence (a thousand claims a second for 34 years).
CREATE FUNCTION next_fence() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint << 40) | nextval('fences')
$$;
COMMENT ON FUNCTION next_fence() IS 'Number of a fetch, rising for ever, also over failovers (design.md §2.2).';

CREATE TABLE runs (
    run_id         uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('enqueue', 'replay')),
    wish           jsonb NOT NULL,
    slices_wanted  bigint NOT NULL DEFAULT 0,
    slices_planned bigint NOT NULL DEFAULT 0,
    jobs_planned   bigint NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_created ON runs (created_at);
COMMENT ON TABLE runs IS 'One row a wish: an enqueue or a replay.';
COMMENT ON COLUMN runs.run_id IS 'Identifies the wish; its jobs name it.';
COMMENT ON COLUMN runs.kind IS 'How the wish was made.';
COMMENT ON COLUMN runs.wish IS 'What was asked for, as given.';
COMMENT ON COLUMN runs.slices_wanted IS 'Slices named by the wish.';
COMMENT ON COLUMN runs.slices_planned IS 'Slices that had to be fetched: wanted, less complete ones, less those already in a live job.';
COMMENT ON COLUMN runs.jobs_planned IS 'Jobs made for them.';
COMMENT ON COLUMN runs.created_at IS 'When the wish was made.';

CREATE TABLE jobs (
    job_id        uuid PRIMARY KEY,
    run_id        uuid NOT NULL REFERENCES runs,
    limiter_key   text NOT NULL,
    mall_id       text NOT NULL,
    shop_no       integer NOT NULL,
    endpoint      text NOT NULL,
    granularity   text NOT NULL CHECK (granularity IN ('day', 'week', 'month')),
    start_date    date NOT NULL,
    end_date      date NOT NULL,
    generation    integer NOT NULL,
    lane          text NOT NULL CHECK (lane IN ('fresh', 'backfill')),
    turn          bigint NOT NULL,
    work_state    text NOT NULL DEFAULT 'planned'
        CHECK (work_state IN ('planned', 'queued', 'running', 'done', 'failed', 'parked', 'cancelled')),
    attempts      integer NOT NULL DEFAULT 0,
    crashes       integer NOT NULL DEFAULT 0,
    not_before    timestamptz NOT NULL DEFAULT now(),
    fence         bigint,
    settled_fence bigint,
    worker        text,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    queued_at     timestamptz,
    claimed_at    timestamptz,
    finished_at   timestamptz,
    rows          integer,
    error_class   text,
    error         text,
    evidence      jsonb,
    CHECK (start_date <= end_date),
    CHECK ((work_state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (work_state <> 'failed' OR error_class IS NOT NULL),
    CHECK (work_state <> 'running' OR (fence IS NOT NULL AND claimed_at IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- The feeder's question: the next due jobs of a limiter key, fresh before backfill, in turn (feed_next.sql).
-- Also answers "which keys have planned jobs" by a loose scan (feed_keys.sql).
CREATE INDEX jobs_feed ON jobs (limiter_key, lane DESC, turn, mall_id) INCLUDE (not_before) WHERE work_state = 'planned';
-- How many jobs of a key are with the broker and the workers: the window (feed_next.sql).
CREATE INDEX jobs_window ON jobs (limiter_key, work_state) WHERE work_state IN ('queued', 'running');
-- Whether a wanted slice is already in a live job (plan_wanted.sql); a connector's jobs (trigger).
CREATE INDEX jobs_live ON jobs (mall_id, shop_no, endpoint, granularity, start_date)
    WHERE work_state IN ('planned', 'queued', 'running', 'parked');
-- The same wish twice is one job (plan_insert.sql).
CREATE UNIQUE INDEX jobs_identity ON jobs (mall_id, shop_no, endpoint, granularity, start_date, end_date, generation);
-- Progress of a run (run_progress.sql).
CREATE INDEX jobs_run ON jobs (run_id, work_state);
-- Failed jobs whose letter the broker may have lost (archive_lost.sql); old jobs to forget (prune_jobs.sql).
CREATE INDEX jobs_finished ON jobs (work_state, finished_at) WHERE finished_at IS NOT NULL;

COMMENT ON TABLE jobs IS 'What is being done: one row a job, that is one request for one chunk of days. Finished jobs stay for some days.';
COMMENT ON COLUMN jobs.job_id IS 'UUIDv5 of what is fetched and the generation: the same wish twice is one job.';
COMMENT ON COLUMN jobs.run_id IS 'The wish that made the job.';
COMMENT ON COLUMN jobs.limiter_key IS 'The token bucket the request takes from.';
COMMENT ON COLUMN jobs.mall_id IS 'The mall. No foreign key: the history of a removed mall stays readable.';
COMMENT ON COLUMN jobs.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN jobs.endpoint IS 'visitors, pageviews, products or domains.';
COMMENT ON COLUMN jobs.granularity IS 'What one row of the answer covers.';
COMMENT ON COLUMN jobs.start_date IS 'First KST day of the chunk.';
COMMENT ON COLUMN jobs.end_date IS 'Last KST day of the chunk, inclusive.';
COMMENT ON COLUMN jobs.generation IS 'Counts the wishes for this very chunk, from 0.';
COMMENT ON COLUMN jobs.lane IS 'fresh goes before backfill inside a limiter key.';
COMMENT ON COLUMN jobs.turn IS 'Start-time fair queueing tag: malls that share a limiter key come in turn (docs/adr/0003).';
COMMENT ON COLUMN jobs.work_state IS 'planned: here only. queued: with the broker. running: claimed by a worker. parked: waits for its mall. done, failed, cancelled: over.';
COMMENT ON COLUMN jobs.attempts IS 'Failed attempts that count (transient failures and bugs; throttling is none).';
COMMENT ON COLUMN jobs.crashes IS 'Redelivered starts that ended without an outcome; the job is poison at the third lost worker.';
COMMENT ON COLUMN jobs.not_before IS 'The job must not run before this time.';
COMMENT ON COLUMN jobs.fence IS 'Number of the newest claim; orders its writes.';
COMMENT ON COLUMN jobs.settled_fence IS 'The claim whose outcome is recorded; answers "did my commit happen?".';
COMMENT ON COLUMN jobs.worker IS 'Who claimed it last.';
COMMENT ON COLUMN jobs.requested_at IS 'When it was planned.';
COMMENT ON COLUMN jobs.queued_at IS 'When the broker last confirmed its message.';
COMMENT ON COLUMN jobs.claimed_at IS 'When a worker last claimed it.';
COMMENT ON COLUMN jobs.finished_at IS 'When it ended.';
COMMENT ON COLUMN jobs.rows IS 'Rows in the answer.';
COMMENT ON COLUMN jobs.error_class IS 'Class of the last failure (design.md §8).';
COMMENT ON COLUMN jobs.error IS 'The last failure in words.';
COMMENT ON COLUMN jobs.evidence IS 'Request, status and the head of the answer of the last failure; never a token.';

CREATE TABLE slices (
    mall_id          text NOT NULL,
    shop_no          integer NOT NULL,
    endpoint         text NOT NULL,
    granularity      text NOT NULL CHECK (granularity IN ('day', 'week', 'month')),
    date             date NOT NULL,
    data_state       text NOT NULL CHECK (data_state IN ('partial', 'complete', 'restated')),
    job_id           uuid NOT NULL,
    fence            bigint NOT NULL,
    rows             integer NOT NULL CHECK (rows >= 0),
    checksum         bigint NOT NULL,
    first_fetched_at timestamptz NOT NULL DEFAULT now(),
    fetched_at       timestamptz NOT NULL DEFAULT now(),
    changed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mall_id, shop_no, endpoint, granularity, date)
) WITH (fillfactor = 85);
COMMENT ON TABLE slices IS 'What we have: one row for each mall, shop, endpoint, granularity and period that was fetched. No row: missing.';
COMMENT ON COLUMN slices.mall_id IS 'The mall.';
COMMENT ON COLUMN slices.shop_no IS 'The shop of the mall.';
COMMENT ON COLUMN slices.endpoint IS 'visitors, pageviews, products or domains.';
COMMENT ON COLUMN slices.granularity IS 'day, week or month.';
COMMENT ON COLUMN slices.date IS 'The KST day, the Monday of the week, or the first day of the month.';
COMMENT ON COLUMN slices.data_state IS 'partial: fetched before the period had ended. complete: fetched after. restated: complete, and a later fetch brought other figures.';
COMMENT ON COLUMN slices.job_id IS 'The job that wrote it last.';
COMMENT ON COLUMN slices.fence IS 'The fetch that wrote it last; only a higher one may overwrite it.';
COMMENT ON COLUMN slices.rows IS 'Rows of the answer for this period; 0 is a true zero.';
COMMENT ON COLUMN slices.checksum IS 'Checksum of those rows; an unchanged slice writes no metric row.';
COMMENT ON COLUMN slices.first_fetched_at IS 'When it was first fetched.';
COMMENT ON COLUMN slices.fetched_at IS 'When it was last fetched.';
COMMENT ON COLUMN slices.changed_at IS 'When its figures last changed.';
