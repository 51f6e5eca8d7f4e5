-- read_tokens.sql: a mall's sealed tokens, the app it has consented to, and who refreshes them now.
-- $1 mall_id. One row, or none if the mall is unknown. Called by store/tokens.rs only, plainly and under the row's lock.
SELECT c.agency_id, c.dialect, c.config_json -> 'oauth_tokens' AS sealed, c.token_version,
       c.app_id, a.client_id, a.client_secret,
       l.version AS lease_version, l.holder, l.taken_at, l.until, l.unanswered_at,
       clock_timestamp() AS now
  FROM connectors c
  LEFT JOIN apps a USING (app_id)
  LEFT JOIN token_leases l USING (mall_id)
 WHERE c.mall_id = $1
