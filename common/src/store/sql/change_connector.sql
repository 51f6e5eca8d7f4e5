-- change_connector.sql: sets what a person asked for of one mall connection; what is NULL stays.
-- $1 mall_id $2 dialect $3 endpoints[] $4 shops[] $5 limiter_key $6 whether $7 wanted_from is set $8 whether $9 app_id is set
-- $10 mode $11 state $12 its reason. The trigger takes waiting jobs to another bucket, parks and releases them.
-- Called by store/connectors/change.rs only, in a transaction that holds the row.
UPDATE connectors
   SET dialect = coalesce($2, dialect),
       endpoints = coalesce($3::text[], endpoints),
       shops = coalesce($4::int[], shops),
       limiter_key = coalesce($5, limiter_key),
       wanted_from = CASE WHEN $6 THEN $7::date ELSE wanted_from END,
       app_id = CASE WHEN $8 THEN $9::text ELSE app_id END,
       config_json = CASE WHEN $10::text IS NULL THEN config_json ELSE config_json || jsonb_build_object('mode', $10::text) END,
       state = coalesce($11, state),
       state_reason = CASE WHEN $11 IS NULL THEN state_reason ELSE $12 END,
       state_since = CASE WHEN $11 IS NULL THEN state_since ELSE now() END,
       updated_at = now()
 WHERE mall_id = $1
