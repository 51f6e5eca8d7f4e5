-- store_tokens.sql: replaces a mall's sealed tokens; its row is locked by lock_tokens.sql in this transaction.
-- $1 mall_id $2 sealed tokens. Returns the new version.
UPDATE connectors
   SET config_json = jsonb_set(config_json, '{oauth_tokens}', $2), token_version = token_version + 1
 WHERE mall_id = $1
RETURNING token_version
