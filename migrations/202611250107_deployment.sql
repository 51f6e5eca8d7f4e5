-- Which installation this database belongs to. Redis' prefix and RabbitMQ's exchange bear the same id, so that programs
-- with the database of one installation and the broker of another one refuse to start (docs/adr/0013).

CREATE TABLE deployment (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    deployment_id uuid NOT NULL DEFAULT gen_random_uuid(),
    named_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE deployment IS 'One row: the identity of this installation.';
COMMENT ON COLUMN deployment.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN deployment.deployment_id IS 'Random; marks the Redis prefix and the RabbitMQ prefix that belong to this database.';
COMMENT ON COLUMN deployment.named_at IS 'When the id was made: at the migration, or by db adopt --new-id for a copy of a database.';

INSERT INTO deployment DEFAULT VALUES;
