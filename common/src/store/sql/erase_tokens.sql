-- erase_tokens.sql: erases a mall's tokens and what was told of them; its waiting jobs are parked (trigger connector_changed).
-- $1 mall_id $2 version that was revoked (NULL: whatever is stored) $3 reason
-- Changes nothing if another pair has been stored since. The version rises, so that a refresh under way stores nothing.
WITH ended AS (
    DELETE FROM token_leases WHERE mall_id = $1
)
UPDATE connectors
   SET config_json = config_json - 'oauth_tokens', token_version = token_version + 1,
       token_issued_at = NULL, access_expires_at = NULL, refresh_expires_at = NULL, token_scopes = NULL, token_key_id = NULL,
       state = 'needs_consent', state_reason = $3, state_since = now(), updated_at = now()
 WHERE mall_id = $1 AND ($2::bigint IS NULL OR token_version = $2)
