-- schedule_move.sql: moves ticks to when they are due next.
-- $1 mall_id[] $2 schedule[] $3 revision[] (as read by schedule_due.sql) $4 last_at[] $5 next_at[] (NULL: not before
-- something changes) $6 over[] $7 reached[]; equal lengths   $8 run_id, or NULL
-- A tick that somebody else moved or touched is left alone, and so is one whose mall has stopped sending meanwhile. Locks in
-- primary-key order, after the jobs (as connector_scheduled does).
WITH moved AS (
    SELECT m.*
      FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bool[], $7::date[])
           AS m (mall_id, schedule, seen, last_at, next_at, over, reached)
      JOIN schedule_ticks t USING (mall_id, schedule)
     WHERE t.xmin::text = m.seen AND t.next_at IS NOT NULL
     ORDER BY mall_id, schedule
       FOR UPDATE OF t
)
UPDATE schedule_ticks t
   SET last_at = moved.last_at, next_at = moved.next_at, over = moved.over, reached = moved.reached,
       run_id = coalesce($8, t.run_id)
  FROM moved
 WHERE (t.mall_id, t.schedule) = (moved.mall_id, moved.schedule)
