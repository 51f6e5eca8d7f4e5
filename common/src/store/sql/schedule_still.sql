-- schedule_still.sql: which of these ticks nobody has planned meanwhile.
-- $1 mall_id[] $2 revision[] (as read by schedule_due.sql); equal lengths   $3 schedule
-- Called under the planner's lock, which every tick is planned under: what it answers holds until the transaction ends.
SELECT t.mall_id
  FROM unnest($1::text[], $2::text[]) AS seen (mall_id, revision)
  JOIN schedule_ticks t ON t.mall_id = seen.mall_id AND t.schedule = $3
 WHERE t.xmin::text = seen.revision AND NOT t.over AND t.next_at IS NOT NULL
