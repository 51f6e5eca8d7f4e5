-- Attempts to connect a mall: what was asked for, by whom, in which browser, and what became of it.
--
-- No secret is here: ticket, state and cookie are random 256-bit numbers of which only the SHA-256 is kept, so that who
-- reads this table can neither start nor answer a consent.

CREATE TABLE consents (
    consent_id   uuid PRIMARY KEY,
    way          text NOT NULL CHECK (way IN ('browser', 'paste')),
    ticket_hash  bytea UNIQUE CHECK (length(ticket_hash) = 32),
    state_hash   bytea UNIQUE CHECK (length(state_hash) = 32),
    cookie_hash  bytea CHECK (length(cookie_hash) = 32),
    mall_id      text NOT NULL CHECK (mall_id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    agency_id    text NOT NULL CHECK (agency_id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    app_id       text,
    dialect      text NOT NULL,
    shops        integer[] CHECK (cardinality(shops) BETWEEN 1 AND 100 AND array_position(shops, NULL) IS NULL),
    redirect_uri text NOT NULL,
    asked_by     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    started_at   timestamptz,
    used_at      timestamptz,
    outcome      text,
    detail       jsonb NOT NULL DEFAULT '{}',
    CHECK (outcome IS NULL OR used_at IS NOT NULL),
    CHECK ((way = 'paste') = (ticket_hash IS NULL))
);
-- What is old (prune_consents).
CREATE INDEX consents_created ON consents (created_at);
COMMENT ON TABLE consents IS 'Attempts to connect a mall, one row each; kept for 30 days, their effects for ever in audit_log.';
COMMENT ON COLUMN consents.consent_id IS 'Names the attempt; no secret.';
COMMENT ON COLUMN consents.way IS 'browser: the daemon takes the callback. paste: the redirected address is typed into the command line.';
COMMENT ON COLUMN consents.ticket_hash IS 'SHA-256 of the ticket in the start link; NULL for paste.';
COMMENT ON COLUMN consents.state_hash IS 'SHA-256 of the state that was given to Cafe24; NULL until the link is opened.';
COMMENT ON COLUMN consents.cookie_hash IS 'SHA-256 of the cookie of the browser that opened the link; only that browser may answer.';
COMMENT ON COLUMN consents.mall_id IS 'The mall that is to consent.';
COMMENT ON COLUMN consents.agency_id IS 'The agency that asks.';
COMMENT ON COLUMN consents.app_id IS 'The app that asks; NULL: the app of the configuration.';
COMMENT ON COLUMN consents.dialect IS 'How the API of the mall speaks; decides the scope that is asked for.';
COMMENT ON COLUMN consents.shops IS 'Shops to synchronise; NULL: those that are stored, 1 for a new mall.';
COMMENT ON COLUMN consents.redirect_uri IS 'As it was given to Cafe24; the exchange of the code must repeat it to the letter.';
COMMENT ON COLUMN consents.asked_by IS 'Who asked: login@host of the command line.';
COMMENT ON COLUMN consents.created_at IS 'When it was asked for.';
COMMENT ON COLUMN consents.expires_at IS 'From then on neither link nor state is taken.';
COMMENT ON COLUMN consents.started_at IS 'When the link was opened first.';
COMMENT ON COLUMN consents.used_at IS 'When the state was used up, whatever came of it; it is used once.';
COMMENT ON COLUMN consents.outcome IS 'What came of it (domain/consent.rs); NULL: nothing yet.';
COMMENT ON COLUMN consents.detail IS 'For whoever waits: scopes, end of the refresh token, released jobs, or what was refused. Never a token or a code.';
