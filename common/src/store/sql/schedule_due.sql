-- schedule_due.sql: the ticks of an urgency that are due, longest due first, those to be worked out anew before them.
-- Of histories first those that have come least far: the newest days of all malls go before older ones of any.
-- $1 now $2 urgency $3 at most this many
-- Settings are those of the mall, else of its agency; a pause of either, or of all malls, holds.
-- Index schedule_ticks_due. Locks nothing: who plans a tick looks again, under the planner's lock (schedule_still.sql).
SELECT t.mall_id, t.schedule, t.revision, NOT isfinite(t.next_at) AS anew, t.last_at, t.reached, c.wanted_from, c.created_at,
       coalesce(m.daily_at, a.daily_at) AS daily_at,
       coalesce(m.lookback, a.lookback) AS lookback,
       coalesce(m.today_minutes, a.today_minutes) AS today_minutes,
       coalesce(m.sweep, a.sweep) AS sweep,
       t.schedule = ANY (coalesce(m.paused, '{}') || coalesce(a.paused, '{}') || coalesce(e.paused, '{}')) AS paused
  FROM (SELECT *, xmin::text AS revision
          FROM schedule_ticks
         WHERE urgency = $2 AND next_at <= $1
         ORDER BY reached DESC NULLS FIRST, next_at, mall_id, schedule
         LIMIT $3) AS t
  JOIN connectors c USING (mall_id)
  LEFT JOIN schedules m ON m.mall_id = c.mall_id AND m.agency_id IS NULL
  LEFT JOIN schedules a ON a.agency_id = c.agency_id AND a.mall_id IS NULL
  LEFT JOIN schedules e ON e.mall_id IS NULL AND e.agency_id IS NULL
 ORDER BY t.reached DESC NULLS FIRST, t.next_at, t.mall_id, t.schedule
