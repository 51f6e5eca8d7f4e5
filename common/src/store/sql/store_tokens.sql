-- store_tokens.sql: replaces a mall's sealed tokens; its row is locked by lock_tokens.sql in this transaction.
-- $1 mall_id $2 sealed tokens $3 issued_at $4 access_expires_at $5 refresh_expires_at $6 scopes[] $7 key id.
-- Returns the new version.
UPDATE connectors
   SET config_json = jsonb_set(config_json, '{oauth_tokens}', $2),
       token_version = token_version + 1,
       token_issued_at = $3,
       access_expires_at = $4,
       refresh_expires_at = $5,
       token_scopes = $6,
       token_key_id = $7
 WHERE mall_id = $1
RETURNING token_version
