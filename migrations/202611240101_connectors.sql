-- Who is synchronised: agencies and their mall connections.

CREATE TABLE agencies (
    agency_id  text PRIMARY KEY CHECK (agency_id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE agencies IS 'Tenants: each mall connection belongs to one agency.';
COMMENT ON COLUMN agencies.agency_id IS 'Short name of the agency, chosen at import.';
COMMENT ON COLUMN agencies.created_at IS 'When the agency was first named.';

CREATE TABLE connectors (
    mall_id       text PRIMARY KEY CHECK (mall_id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    agency_id     text NOT NULL REFERENCES agencies,
    dialect       text NOT NULL CHECK (dialect IN ('seed')),
    shops         integer[] NOT NULL DEFAULT '{1}' CHECK (cardinality(shops) BETWEEN 1 AND 100 AND array_position(shops, NULL) IS NULL),
    limiter_key   text NOT NULL CHECK (limiter_key ~ '^[!-z|~]{1,200}$'),
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'needs_consent', 'needs_scope', 'forbidden')),
    state_reason  text,
    state_since   timestamptz NOT NULL DEFAULT now(),
    config_json   jsonb NOT NULL DEFAULT '{"mode": "off"}' CHECK (jsonb_typeof(config_json) = 'object' AND config_json ? 'mode'),
    token_version bigint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX connectors_agency ON connectors (agency_id);
COMMENT ON TABLE connectors IS 'One row a mall connection. Removing the row cancels its waiting jobs; changing the state parks or releases them (trigger).';
COMMENT ON COLUMN connectors.mall_id IS 'The mall, first label of {mall_id}.cafe24api.com.';
COMMENT ON COLUMN connectors.agency_id IS 'The agency that owns the connection.';
COMMENT ON COLUMN connectors.dialect IS 'How the API of this mall speaks.';
COMMENT ON COLUMN connectors.shops IS 'Shop numbers to synchronise; the first shop is 1.';
COMMENT ON COLUMN connectors.limiter_key IS 'The token bucket that this mall''s requests take from; the mall id unless several malls share a bucket.';
COMMENT ON COLUMN connectors.state IS 'active: requests are sent. paused: by a person. needs_consent, needs_scope, forbidden: only a person can mend it.';
COMMENT ON COLUMN connectors.state_reason IS 'Why the state is not active, and what to do.';
COMMENT ON COLUMN connectors.state_since IS 'Since when the state holds.';
COMMENT ON COLUMN connectors.config_json IS 'mode ("api" sends requests, anything else sends none) and oauth_tokens, encrypted.';
COMMENT ON COLUMN connectors.token_version IS 'Rises with every stored token pair; tells a 401 on an old token from a 401 on the newest.';
COMMENT ON COLUMN connectors.created_at IS 'When the mall was first imported.';
COMMENT ON COLUMN connectors.updated_at IS 'Last change of anything but the tokens.';
