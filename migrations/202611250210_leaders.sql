-- Which daemon leads: told to people and monitors. Who may lead is decided by the advisory lock alone, not by this table.

CREATE TABLE leaders (
    duty     text PRIMARY KEY,
    instance text NOT NULL CHECK (length(instance) BETWEEN 1 AND 200),
    since    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE leaders IS 'The process that took the lock of a duty last. It leads as long as the lock is held (pg_locks).';
COMMENT ON COLUMN leaders.duty IS 'What the lock is for; producer is the daemon''s.';
COMMENT ON COLUMN leaders.instance IS 'Host and process id of the process.';
COMMENT ON COLUMN leaders.since IS 'When it took the lock.';
