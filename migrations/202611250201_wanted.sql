-- What is wanted of a mall: which endpoints, since when, and in which of the two dialects it speaks.

ALTER TABLE connectors DROP CONSTRAINT connectors_dialect_check;
ALTER TABLE connectors ADD CONSTRAINT connectors_dialect_check CHECK (dialect IN ('seed', 'live'));

ALTER TABLE connectors ADD COLUMN endpoints text[] NOT NULL DEFAULT '{visitors,pageviews,products,domains}'
    CHECK (cardinality(endpoints) BETWEEN 1 AND 50 AND array_position(endpoints, NULL) IS NULL);
COMMENT ON COLUMN connectors.endpoints IS 'Endpoints to synchronise: coverage, schedules and plans without --endpoint speak of these.';

ALTER TABLE connectors ADD COLUMN wanted_from date;
COMMENT ON COLUMN connectors.wanted_from IS 'First KST day that is wanted; days before it are no gaps. NULL: the first day that was ever fetched.';

-- Keywords and advertising channels beside stores, products and domains.
ALTER TABLE metrics_daily DROP CONSTRAINT metrics_daily_entity_type_check,
    ADD CONSTRAINT metrics_daily_entity_type_check CHECK (entity_type IN ('store', 'product', 'domain', 'keyword', 'ad'));
ALTER TABLE metrics_weekly DROP CONSTRAINT metrics_daily_entity_type_check,
    ADD CONSTRAINT metrics_weekly_entity_type_check CHECK (entity_type IN ('store', 'product', 'domain', 'keyword', 'ad'));
ALTER TABLE metrics_monthly DROP CONSTRAINT metrics_daily_entity_type_check,
    ADD CONSTRAINT metrics_monthly_entity_type_check CHECK (entity_type IN ('store', 'product', 'domain', 'keyword', 'ad'));

ALTER TABLE jobs ADD COLUMN pages integer CHECK (pages > 0);
COMMENT ON COLUMN jobs.pages IS 'Requests whose answers made the rows: 1, or as many as the endpoint has pages. NULL: not done.';

-- Who asked: a person (enqueue, replay), or one of the daemon's schedules.
ALTER TABLE runs DROP CONSTRAINT runs_kind_check;
ALTER TABLE runs ADD CONSTRAINT runs_kind_check CHECK (kind IN ('enqueue', 'replay', 'window', 'today', 'sweep', 'onboarding', 'gaps'));
COMMENT ON TABLE runs IS 'One row a wish: of a person (enqueue, replay) or of a schedule (window, today, sweep, onboarding, gaps).';
