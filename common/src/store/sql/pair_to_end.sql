-- pair_to_end.sql: a mall's sealed tokens, to be revoked and erased.
-- $1 mall_id. `refreshing`: somebody holds a lease on this very pair, so that another one may take its place any moment.
-- Called by store/tokens/ending.rs only.
SELECT c.agency_id, c.app_id, c.config_json -> 'oauth_tokens' AS sealed, c.token_version,
       EXISTS (SELECT FROM token_leases l WHERE l.mall_id = c.mall_id AND l.version = c.token_version AND l.until > now()) AS refreshing
  FROM connectors c
 WHERE c.mall_id = $1
