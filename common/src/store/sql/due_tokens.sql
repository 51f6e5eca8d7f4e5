-- due_tokens.sql: pairs that are to be renewed because of their age, paused malls' too, or because a refresh was left without
-- an outcome: if that lost the pair, it is known now and not when the next job wants a token.
-- $1 made before $2 after this mall id $3 at most so many. By mall id, so that those that fail do not stand before the others.
-- Left out: malls that wait for a consent, and those whose refresh token has ended and who know it (their state says more).
-- Called by store/tokens only.
SELECT mall_id, token_version
  FROM connectors
 WHERE config_json ? 'oauth_tokens'
   AND state <> 'needs_consent'
   AND (token_issued_at IS NULL OR token_issued_at < $1
        OR EXISTS (SELECT FROM token_leases l WHERE l.mall_id = connectors.mall_id AND l.version = token_version
                                                AND l.until < now() - interval '1 minute'))
   AND (refresh_expires_at IS NULL OR refresh_expires_at > now() OR state IN ('active', 'needs_scope'))
   AND mall_id > $2
 ORDER BY mall_id
 LIMIT $3
