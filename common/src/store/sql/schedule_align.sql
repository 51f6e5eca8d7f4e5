-- schedule_align.sql: has due times worked out anew that cannot be right.
-- $1 the time beyond which no daily schedule waits $2 the time beyond which no monthly one does
-- A clock that was fast when they were worked out, and has been set back since. Index schedule_ticks_due.
UPDATE schedule_ticks
   SET next_at = '-infinity'
 WHERE next_at > $1 AND (schedule <> 'sweep' OR next_at > $2)
