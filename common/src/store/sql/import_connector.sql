-- import_connector.sql: stores one mall connection.
-- $1 mall_id $2 agency_id $3 dialect $4 shops[] $5 limiter_key $6 mode
-- $7 sealed tokens $8 issued_at $9 access_expires_at $10 refresh_expires_at $11 scopes[] $12 key id (all NULL keep the stored ones)
-- $13 whether the app is set at all $14 app_id   $15 endpoints[] $16 whether a known mall gets them, too
-- $17 first wanted day, or NULL $18 that of a new mall, if $17 is NULL
-- A mall that needed a person and gets tokens becomes active; a paused one stays paused.
-- Tokens are sealed for their agency, so a mall that has some moves to another agency only with new ones.
INSERT INTO connectors AS c (mall_id, agency_id, dialect, shops, limiter_key, config_json, token_version, app_id,
                             token_issued_at, access_expires_at, refresh_expires_at, token_scopes, token_key_id, endpoints,
                             wanted_from)
VALUES ($1, $2, $3, $4, $5,
        jsonb_strip_nulls(jsonb_build_object('mode', $6::text, 'oauth_tokens', $7::jsonb)),
        CASE WHEN $7::jsonb IS NULL THEN 0 ELSE 1 END,
        $14, $8, $9, $10, $11, $12, $15, coalesce($17::date, $18::date))
ON CONFLICT (mall_id) DO UPDATE
   SET agency_id = CASE WHEN excluded.token_version = 0 AND c.config_json ? 'oauth_tokens' THEN c.agency_id ELSE excluded.agency_id END,
       dialect = excluded.dialect,
       shops = excluded.shops,
       endpoints = CASE WHEN $16 THEN excluded.endpoints ELSE c.endpoints END,
       wanted_from = coalesce($17::date, c.wanted_from),
       limiter_key = excluded.limiter_key,
       config_json = c.config_json || excluded.config_json,
       token_version = c.token_version + excluded.token_version,
       app_id = CASE WHEN $13 THEN excluded.app_id ELSE c.app_id END,
       token_issued_at = CASE WHEN excluded.token_version = 0 THEN c.token_issued_at ELSE excluded.token_issued_at END,
       access_expires_at = CASE WHEN excluded.token_version = 0 THEN c.access_expires_at ELSE excluded.access_expires_at END,
       refresh_expires_at = CASE WHEN excluded.token_version = 0 THEN c.refresh_expires_at ELSE excluded.refresh_expires_at END,
       token_scopes = CASE WHEN excluded.token_version = 0 THEN c.token_scopes ELSE excluded.token_scopes END,
       token_key_id = CASE WHEN excluded.token_version = 0 THEN c.token_key_id ELSE excluded.token_key_id END,
       state = CASE WHEN c.state = 'paused' OR excluded.token_version = 0 THEN c.state ELSE 'active' END,
       state_reason = CASE WHEN c.state = 'paused' OR excluded.token_version = 0 THEN c.state_reason END,
       state_since = CASE WHEN c.state IN ('paused', 'active') OR excluded.token_version = 0 THEN c.state_since ELSE now() END,
       updated_at = now()
RETURNING xmax = 0 AS new
