-- schedule_anew.sql: has all due times worked out anew if the configuration says other settings than they were made by.
-- $1 the settings
WITH changed AS (
    UPDATE deployment SET scheduled_by = $1 WHERE scheduled_by IS DISTINCT FROM $1 RETURNING 1
)
UPDATE schedule_ticks t
   SET next_at = '-infinity'
  FROM connectors c
 WHERE EXISTS (SELECT FROM changed) AND c.mall_id = t.mall_id AND NOT t.over AND connector_is_scheduled(c.state, c.config_json)
