-- import_connector.sql: stores one mall connection. What is said of it is set; what is not (NULL) stays as it is, and of a mall
-- that is new it is what is given for new ones.
-- $1 mall_id; said of it: $2 agency_id $3 dialect $4 shops[] $5 endpoints[] $6 first wanted day $7 mode $8 whether $9 app_id is said
-- $10 sealed tokens $11 issued_at $12 access_expires_at $13 refresh_expires_at $14 scopes[] $15 key id (all NULL keep the stored ones)
-- $16 whether the given pair ends the wait for a person; of a new mall: $17 agency_id $18 dialect $19 shops[] $20 endpoints[]
-- $21 first wanted day or NULL $22 limiter_key $23 mode
-- A mall that needed a person and gets a pair becomes active; a paused one stays paused.
-- Tokens are sealed for their agency, so a mall that has some moves to another agency only with a pair.
INSERT INTO connectors AS c (mall_id, agency_id, dialect, shops, limiter_key, config_json, token_version, app_id,
                             token_issued_at, access_expires_at, refresh_expires_at, token_scopes, token_key_id, endpoints,
                             wanted_from)
VALUES ($1, coalesce($2, $17::text), coalesce($3, $18::text), coalesce($4::int[], $19::int[]), $22,
        jsonb_strip_nulls(jsonb_build_object('mode', coalesce($7, $23::text), 'oauth_tokens', $10::jsonb)),
        CASE WHEN $10::jsonb IS NULL THEN 0 ELSE 1 END,
        $9, $11, $12, $13, $14, $15, coalesce($5::text[], $20::text[]), coalesce($6::date, $21::date))
ON CONFLICT (mall_id) DO UPDATE
   SET agency_id = CASE WHEN $10::jsonb IS NULL AND c.config_json ? 'oauth_tokens' THEN c.agency_id ELSE coalesce($2, c.agency_id) END,
       dialect = coalesce($3, c.dialect),
       shops = coalesce($4::int[], c.shops),
       endpoints = coalesce($5::text[], c.endpoints),
       wanted_from = coalesce($6::date, c.wanted_from),
       config_json = c.config_json || jsonb_strip_nulls(jsonb_build_object('mode', $7::text, 'oauth_tokens', $10::jsonb)),
       token_version = c.token_version + excluded.token_version,
       app_id = CASE WHEN $8 THEN excluded.app_id ELSE c.app_id END,
       token_issued_at = CASE WHEN excluded.token_version = 0 THEN c.token_issued_at ELSE excluded.token_issued_at END,
       access_expires_at = CASE WHEN excluded.token_version = 0 THEN c.access_expires_at ELSE excluded.access_expires_at END,
       refresh_expires_at = CASE WHEN excluded.token_version = 0 THEN c.refresh_expires_at ELSE excluded.refresh_expires_at END,
       token_scopes = CASE WHEN excluded.token_version = 0 THEN c.token_scopes ELSE excluded.token_scopes END,
       token_key_id = CASE WHEN excluded.token_version = 0 THEN c.token_key_id ELSE excluded.token_key_id END,
       state = CASE WHEN c.state = 'paused' OR NOT $16 THEN c.state ELSE 'active' END,
       state_reason = CASE WHEN c.state = 'paused' OR NOT $16 THEN c.state_reason END,
       state_since = CASE WHEN c.state IN ('paused', 'active') OR NOT $16 THEN c.state_since ELSE now() END,
       updated_at = now()
RETURNING xmax = 0 AS new
