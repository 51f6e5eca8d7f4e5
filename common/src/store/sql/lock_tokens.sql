-- lock_tokens.sql: reads a mall's sealed tokens and locks its row: one refresh at a time over all processes.
-- $1 mall_id. Held for one call to the token URL (seconds). Called by store/tokens.rs only.
SELECT agency_id, config_json -> 'oauth_tokens' AS sealed, token_version FROM connectors WHERE mall_id = $1 FOR NO KEY UPDATE
