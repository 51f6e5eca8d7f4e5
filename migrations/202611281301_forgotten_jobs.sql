-- A run knows what became of its jobs when they are forgotten (prune_jobs.sql); and what nobody has shown is not claimed.

ALTER TABLE runs
    ADD COLUMN forgotten_done      bigint NOT NULL DEFAULT 0,
    ADD COLUMN forgotten_cancelled bigint NOT NULL DEFAULT 0,
    ADD COLUMN forgotten_rows      bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN runs.forgotten_done IS 'Jobs that were done and whose rows in jobs are gone (a week after their end). Those that went before this column came are in none.';
COMMENT ON COLUMN runs.forgotten_cancelled IS 'Jobs that were cancelled, likewise.';
COMMENT ON COLUMN runs.forgotten_rows IS 'Rows of the answers of forgotten_done.';

COMMENT ON COLUMN analytics.daily_products.day IS 'The KST day (00:00 to 24:00 in Korea) to which Cafe24 counts the order: by its documentation that of the payment. Nobody has shown yet that it is not the day of the order, and whether refunds change past days. Not that of delivery.';
COMMENT ON VIEW analytics.daily_store IS 'One row for each mall, shop and KST day of which visits, pageviews or unique visitors were fetched. A day that was not fetched is absent, never 0: join analytics.freshness or ask analytics.calendar_gaps before you trust a total. Days before 2023 come from an older service of Cafe24: a series over 2023-01-01 has a break there.';
