-- store_tokens.sql: replaces the pair of one version by the next, with what is told of it in clear, and ends the mall's lease.
-- $1 mall_id $2 version that is replaced $3 sealed tokens $4 issued_at $5 access_expires_at $6 refresh_expires_at
-- $7 scopes[] $8 key id $9 the scope that the dialect needs
-- Returns the new version, or no row: another pair has been stored since. One statement, so that nothing can come between
-- the answer of the token URL and the commit but this one way to the server.
-- A mall that waited for a consent or a scope has it, as this pair shows; one whose consent lost the scope waits for it.
-- An answer without scopes says nothing about them.
-- The state is read under the row's lock: whoever pauses the mall at this moment is waited for, and not undone.
WITH stored AS (
    UPDATE connectors
       SET config_json = jsonb_set(config_json, '{oauth_tokens}', $3),
           token_version = token_version + 1,
           token_issued_at = $4,
           access_expires_at = $5,
           refresh_expires_at = $6,
           token_scopes = $7,
           token_key_id = $8,
           state = new.state,
           state_reason = CASE WHEN new.state = connectors.state THEN state_reason
                               WHEN new.state = 'needs_scope' THEN format('scope %s missing', $9::text) END,
           state_since = CASE WHEN new.state = connectors.state THEN state_since ELSE now() END
      FROM (SELECT CASE
                       WHEN c.state IN ('active', 'needs_consent') AND cardinality($7::text[]) > 0 AND $9 <> ALL ($7) THEN 'needs_scope'
                       WHEN c.state = 'needs_consent' OR (c.state = 'needs_scope' AND $9 = ANY ($7)) THEN 'active'
                       ELSE c.state
                   END AS state
              FROM connectors c WHERE c.mall_id = $1 FOR NO KEY UPDATE) new
     WHERE mall_id = $1 AND token_version = $2
    RETURNING token_version
), ended AS (
    DELETE FROM token_leases USING stored WHERE mall_id = $1
)
SELECT token_version FROM stored
