-- import_connector.sql: stores one mall connection.
-- $1 mall_id $2 agency_id $3 dialect $4 shops[] $5 limiter_key $6 mode $7 sealed tokens (NULL keeps the stored ones)
-- A mall that needed a person and gets tokens becomes active; a paused one stays paused.
INSERT INTO connectors AS c (mall_id, agency_id, dialect, shops, limiter_key, config_json, token_version)
VALUES ($1, $2, $3, $4, $5,
        jsonb_strip_nulls(jsonb_build_object('mode', $6::text, 'oauth_tokens', $7::jsonb)),
        CASE WHEN $7::jsonb IS NULL THEN 0 ELSE 1 END)
ON CONFLICT (mall_id) DO UPDATE
   SET agency_id = excluded.agency_id,
       dialect = excluded.dialect,
       shops = excluded.shops,
       limiter_key = excluded.limiter_key,
       config_json = c.config_json || excluded.config_json,
       token_version = c.token_version + excluded.token_version,
       state = CASE WHEN c.state = 'paused' OR excluded.token_version = 0 THEN c.state ELSE 'active' END,
       state_reason = CASE WHEN c.state = 'paused' OR excluded.token_version = 0 THEN c.state_reason END,
       state_since = CASE WHEN c.state IN ('paused', 'active') OR excluded.token_version = 0 THEN c.state_since ELSE now() END,
       updated_at = now()
RETURNING xmax = 0 AS new
