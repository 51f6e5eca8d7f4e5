-- The apps that malls consent to, what may be told of a mall's tokens in clear, and who refreshes them now.

CREATE TABLE apps (
    app_id        text PRIMARY KEY CHECK (app_id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    client_id     text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 200),
    client_secret jsonb NOT NULL CHECK (jsonb_typeof(client_secret) = 'object'),
    redirect_uri  text CHECK (length(redirect_uri) BETWEEN 1 AND 500),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE apps IS 'Apps registered with Cafe24 beside the one of the configuration; a mall''s tokens work with its own app only.';
COMMENT ON COLUMN apps.app_id IS 'Short name, chosen by the operator.';
COMMENT ON COLUMN apps.client_id IS 'Public.';
COMMENT ON COLUMN apps.client_secret IS 'Encrypted with the master key, bound to app_id.';
COMMENT ON COLUMN apps.redirect_uri IS 'As registered with Cafe24, to the letter; NULL: oauth.redirect_uri of the configuration.';
COMMENT ON COLUMN apps.created_at IS 'When the app was first named.';
COMMENT ON COLUMN apps.updated_at IS 'Last change of its id, secret or address.';

ALTER TABLE connectors
    ADD COLUMN app_id             text REFERENCES apps,
    ADD COLUMN token_issued_at    timestamptz,
    ADD COLUMN access_expires_at  timestamptz,
    ADD COLUMN refresh_expires_at timestamptz,
    ADD COLUMN token_scopes       text[],
    ADD COLUMN token_key_id       text;
-- Which malls an app still has (apps list, apps remove).
CREATE INDEX connectors_app ON connectors (app_id) WHERE app_id IS NOT NULL;
-- The oldest pairs first: keep-alive, tokens list --expiring.
CREATE INDEX connectors_token_age ON connectors (token_issued_at) WHERE token_issued_at IS NOT NULL;
COMMENT ON COLUMN connectors.app_id IS 'The app that the mall has consented to; NULL: the app of the configuration.';
COMMENT ON COLUMN connectors.token_issued_at IS 'When the stored pair was made. This and the next four are written with the pair, and hold no secret; NULL: no pair, or one stored before these columns were there.';
COMMENT ON COLUMN connectors.access_expires_at IS 'When the access token ends; it is renewed before.';
COMMENT ON COLUMN connectors.refresh_expires_at IS 'When the refresh token ends; after that only a new consent helps.';
COMMENT ON COLUMN connectors.token_scopes IS 'What the mall has consented to, as the last token answer said.';
COMMENT ON COLUMN connectors.token_key_id IS 'Which master key sealed the pair (tokens rotate-key).';

-- A lease is taken, committed, and only then is the token URL called: the row is the intent as well. It goes with the new
-- pair in one statement; one that stays behind tells that a call was made and its outcome is not known.
CREATE TABLE token_leases (
    mall_id       text PRIMARY KEY REFERENCES connectors ON DELETE CASCADE,
    version       bigint NOT NULL,
    holder        text NOT NULL,
    taken_at      timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    unanswered_at timestamptz
);
COMMENT ON TABLE token_leases IS 'Who refreshes a mall''s tokens now. A refresh token works once, so one process at a time may use it.';
COMMENT ON COLUMN token_leases.mall_id IS 'The mall.';
COMMENT ON COLUMN token_leases.version IS 'The token_version whose refresh token is being used; lower than the mall''s: the lease has no meaning any more.';
COMMENT ON COLUMN token_leases.holder IS 'One attempt of one process, random.';
COMMENT ON COLUMN token_leases.taken_at IS 'When it was taken.';
COMMENT ON COLUMN token_leases.until IS 'Others may take over from then on.';
COMMENT ON COLUMN token_leases.unanswered_at IS 'When an earlier call with this version''s token was left without a known outcome: it may have been rotated, and its successor lost.';
