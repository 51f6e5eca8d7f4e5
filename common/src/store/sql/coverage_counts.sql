-- coverage_counts.sql: how many days of malls are what, one row a mall: what counting the rows of slice_coverage would come to,
-- without one row a day. $1 mall_id[] $2 endpoint[] (empty: all) $3 first day $4 last day
-- Today is counted apart (today_partial, not_yet) and is no gap; work is counted for all days. due_gaps: days up to the one that is
-- due that are not complete, but for those that are excused (gap_is_excused, live_slices.held).
-- Complete and missing days are counted from the letters of series_states; days with a job or an open letter are few, and
-- only malls that have any are asked for them. Asked mall by mall. Called by store/coverage.rs only.
SELECT m.mall_id, sums.*
  FROM unnest($1::text[]) WITH ORDINALITY AS m (mall_id, place)
 CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM jobs j
                    WHERE j.mall_id = m.mall_id AND j.work_state IN ('planned', 'queued', 'running', 'parked')) AS jobs,
           EXISTS (SELECT FROM dead_letters d WHERE d.mall_id = m.mall_id AND d.state = 'open') AS letters
    OFFSET 0) AS has
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(days.complete + days.open - coalesce(days.today, 0)), 0)::bigint AS wanted,
           coalesce(sum(days.complete), 0)::bigint AS complete,
           coalesce(sum(days.restated), 0)::bigint AS restated,
           coalesce(sum(days.partial - coalesce(days.today_partial, 0)), 0)::bigint AS partial,
           coalesce(sum(days.open - days.partial - coalesce(days.today - days.today_partial, 0)), 0)::bigint AS missing,
           coalesce(sum(live.queued), 0)::bigint AS queued,
           coalesce(sum(live.running), 0)::bigint AS running,
           coalesce(sum(dead.failed), 0)::bigint AS failed,
           coalesce(sum(coalesce(live.parked, 0) + CASE WHEN days.stopped
                        THEN days.open - coalesce(live.open, 0) - coalesce(dead.open, 0) ELSE 0 END), 0)::bigint AS paused,
           coalesce(sum(days.today_partial), 0)::bigint AS today_partial,
           coalesce(sum(days.today - days.today_partial), 0)::bigint AS not_yet,
           coalesce(sum(days.due - days.complete_due - coalesce(live.held_due, 0)) FILTER (WHERE NOT days.excused), 0)::bigint AS due_gaps
      FROM (SELECT w.*, clock.today AS this_day, clock.due_day,
                   greatest(w.wanted_from, $3::date) AS first, least(clock.today, $4::date) AS last,
                   w.state <> 'active' OR w.pause_cause IS NOT NULL AS stopped
              FROM series_states w, freshness_clock AS clock
             WHERE w.mall_id = m.mall_id AND w.counts AND w.wanted_from IS NOT NULL AND ($2::text[] = '{}' OR w.endpoint = ANY ($2))) AS s
     CROSS JOIN LATERAL (
        SELECT substr(s.days, s.first - s.wanted_from + 1, s.last - s.first + 1) AS letters OFFSET 0) AS shown
     CROSS JOIN LATERAL (
        SELECT s.stopped, s.excused,
               length(translate(shown.letters, 'mp', '')) AS complete,
               length(translate(shown.letters, 'mpc', '')) AS restated,
               length(translate(shown.letters, 'mcr', '')) AS partial,
               s.last - s.first + 1 - length(translate(shown.letters, 'mp', '')) AS open,
               greatest(least(s.last, s.due_day) - s.first + 1, 0) AS due,
               length(translate(left(shown.letters, greatest(least(s.last, s.due_day) - s.first + 1, 0)), 'mp', '')) AS complete_due,
               -- A day that is not over: 1 if it is not complete, of this 1 if something of it is there.
               CASE WHEN s.last = s.this_day THEN (substr(shown.letters, s.last - s.first + 1, 1) IN ('m', 'p', ''))::integer END AS today,
               CASE WHEN s.last = s.this_day THEN (substr(shown.letters, s.last - s.first + 1, 1) = 'p')::integer END AS today_partial
        OFFSET 0) AS days
      LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE l.running) AS running,
               count(*) FILTER (WHERE NOT l.running AND l.queued) AS queued,
               count(*) FILTER (WHERE NOT l.running AND NOT l.queued) AS parked,
               count(*) FILTER (WHERE substr(s.days, l.date - s.wanted_from + 1, 1) IN ('m', 'p', '')) AS open,
               count(*) FILTER (WHERE l.held AND l.date <= s.due_day AND substr(s.days, l.date - s.wanted_from + 1, 1) IN ('m', 'p', '')) AS held_due
          FROM live_slices l
         WHERE has.jobs AND l.mall_id = s.mall_id AND l.shop_no = s.shop_no AND l.endpoint = s.endpoint
           AND l.date BETWEEN s.first AND s.last
        OFFSET 0) AS live ON true
      LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE h.data_state IS NULL OR h.data_state = 'partial' OR h.fetched_at < d.died_at) AS failed,
               count(*) FILTER (WHERE h.data_state IS NULL OR h.data_state = 'partial') AS open
          FROM dead_slices d
          LEFT JOIN slices h
            ON h.mall_id = d.mall_id AND h.shop_no = d.shop_no AND h.endpoint = d.endpoint AND h.granularity = 'day' AND h.date = d.date
          LEFT JOIN live_slices l
            ON l.mall_id = d.mall_id AND l.shop_no = d.shop_no AND l.endpoint = d.endpoint AND l.date = d.date
         WHERE has.letters AND d.mall_id = s.mall_id AND d.shop_no = s.shop_no AND d.endpoint = s.endpoint
           AND d.date BETWEEN s.first AND s.last AND l.mall_id IS NULL
        OFFSET 0) AS dead ON true
     WHERE s.first <= s.last
    OFFSET 0) AS sums
 ORDER BY m.place
