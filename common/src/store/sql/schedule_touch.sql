-- schedule_touch.sql: has the due times of a scope's malls worked out anew.
-- $1 mall_id, or NULL $2 agency_id, or NULL; both NULL: of all malls
UPDATE schedule_ticks t
   SET next_at = '-infinity'
  FROM connectors c
 WHERE c.mall_id = t.mall_id AND NOT t.over AND connector_is_scheduled(c.state, c.config_json)
   AND ($1::text IS NULL OR c.mall_id = $1) AND ($2::text IS NULL OR c.agency_id = $2)
