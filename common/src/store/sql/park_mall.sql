-- park_mall.sql: only a person can mend this mall; its jobs wait as parked (trigger connector_changed).
-- $1 mall_id $2 state $3 reason $4 version of the tokens that were refused. A mall that is parked already keeps its first
-- reason, and one that has newer tokens by now is not parked for what befell the old ones.
UPDATE connectors SET state = $2, state_reason = $3, state_since = now(), updated_at = now()
 WHERE mall_id = $1 AND state = 'active' AND token_version <= $4
