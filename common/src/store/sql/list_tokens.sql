-- list_tokens.sql: stored pairs without their tokens, those that end first before the others.
-- $1 only those whose refresh token ends within so many seconds, or has ended (NULL: all). Called by store/tokens only.
SELECT mall_id, agency_id, app_id, state, token_version,
       coalesce(token_key_id, config_json -> 'oauth_tokens' ->> 'kid') AS key_id,
       token_scopes, token_issued_at, access_expires_at, refresh_expires_at
  FROM connectors
 WHERE config_json ? 'oauth_tokens'
   AND ($1::float8 IS NULL OR refresh_expires_at < now() + make_interval(secs => $1))
 ORDER BY refresh_expires_at NULLS FIRST, mall_id
