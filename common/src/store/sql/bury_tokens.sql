-- bury_tokens.sql: a mall's refresh token is dead; only a person can give a new one. Its row is locked in this transaction.
-- $1 mall_id $2 version of the dead pair $3 reason $4 when its rotation was lost (NULL: it was not lost by us)
-- A mall that waits for something else already, or is paused, keeps its state; that its consent has ended shows in
-- refresh_expires_at. A lost rotation stays noted, so that whoever tries the same pair once more names the same cause.
WITH noted AS (
    UPDATE token_leases SET until = now(), unanswered_at = $4 WHERE mall_id = $1 AND $4::timestamptz IS NOT NULL
), ended AS (
    DELETE FROM token_leases WHERE mall_id = $1 AND $4::timestamptz IS NULL
)
UPDATE connectors
   SET refresh_expires_at = least(refresh_expires_at, now()),
       state = CASE WHEN state IN ('active', 'needs_scope') THEN 'needs_consent' ELSE state END,
       state_reason = CASE WHEN state IN ('active', 'needs_scope') THEN $3 ELSE state_reason END,
       state_since = CASE WHEN state IN ('active', 'needs_scope') THEN now() ELSE state_since END,
       updated_at = now()
 WHERE mall_id = $1 AND token_version = $2
