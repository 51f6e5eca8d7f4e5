-- reseal_tokens.sql: replaces the sealed text of a pair by another text of the same pair.
-- $1 mall_id $2 its version $3 the text that was read $4 the new text
-- $5 issued_at $6 access_expires_at $7 refresh_expires_at $8 scopes[] $9 key id, as they are in the pair
-- Changes nothing if anybody has replaced the pair since. The version stays: who holds the pair may use it on. What is known
-- in clear stays, too (a dead token's end is not the pair's). Called by store/tokens/rotate.rs only.
UPDATE connectors
   SET config_json = jsonb_set(config_json, '{oauth_tokens}', $4),
       token_issued_at = coalesce(token_issued_at, $5),
       access_expires_at = coalesce(access_expires_at, $6),
       refresh_expires_at = coalesce(refresh_expires_at, $7),
       token_scopes = coalesce(token_scopes, $8),
       token_key_id = $9
 WHERE mall_id = $1 AND token_version = $2 AND config_json -> 'oauth_tokens' = $3
