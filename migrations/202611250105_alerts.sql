-- What a person should know, one row a cause, not a mall: "app secret refused: 4,012 malls".

CREATE TABLE alerts (
    alert_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,
    subject        text NOT NULL,
    malls          bigint NOT NULL,
    text           text NOT NULL,
    remedy         text NOT NULL,
    opened_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at   timestamptz NOT NULL DEFAULT now(),
    closed_at      timestamptz,
    silenced_until timestamptz,
    told_at        timestamptz,
    end_told_at    timestamptz,
    tries          integer NOT NULL DEFAULT 0,
    retry_at       timestamptz NOT NULL DEFAULT now()
);
-- One open alert a cause (alerts_seen.sql); what status shows.
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE closed_at IS NULL;
-- Endings that have to be told (alerts_due.sql); what was lately (alerts list --all).
CREATE INDEX alerts_closed ON alerts (closed_at DESC) WHERE closed_at IS NOT NULL;
COMMENT ON TABLE alerts IS 'Causes that want a person, as the daemon last saw them, and whether that was told.';
COMMENT ON COLUMN alerts.alert_id IS 'Order of opening.';
COMMENT ON COLUMN alerts.kind IS 'needs_consent, needs_scope, forbidden, rotation_lost, api_changed, endpoint_missing, dead_letters, throttled or tokens_ending.';
COMMENT ON COLUMN alerts.subject IS 'Tells causes of one kind apart: the reason without its numbers and names, the endpoint.';
COMMENT ON COLUMN alerts.malls IS 'Malls it concerns, as last seen.';
COMMENT ON COLUMN alerts.text IS 'What it is, in words.';
COMMENT ON COLUMN alerts.remedy IS 'What to do.';
COMMENT ON COLUMN alerts.opened_at IS 'When it was first seen.';
COMMENT ON COLUMN alerts.last_seen_at IS 'When it was last seen.';
COMMENT ON COLUMN alerts.closed_at IS 'When it was seen no more; NULL: it is open.';
COMMENT ON COLUMN alerts.silenced_until IS 'Nothing is sent before this time; it is shown all the same.';
COMMENT ON COLUMN alerts.told_at IS 'When the webhook last took it, at its opening or as the daily reminder.';
COMMENT ON COLUMN alerts.end_told_at IS 'When the webhook took its end.';
COMMENT ON COLUMN alerts.tries IS 'Failed sendings in a row.';
COMMENT ON COLUMN alerts.retry_at IS 'Not to be sent before this time.';

-- A 429 is a defect of our model of a bucket, or a sign of other software at the same one: rare, so it costs a write.
CREATE TABLE throttlings (
    mall_id text PRIMARY KEY,
    answers bigint NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE throttlings IS 'Malls whose API answered 429, ever.';
COMMENT ON COLUMN throttlings.mall_id IS 'The mall. No reference: written by workers, who must not fail on a mall that was removed.';
COMMENT ON COLUMN throttlings.answers IS 'Committed batches that held such answers.';
COMMENT ON COLUMN throttlings.last_at IS 'When the last one was committed.';
