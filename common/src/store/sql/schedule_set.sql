-- schedule_set.sql: changes what a scope has of its own. Nothing of its own and no pause left: the row goes.
-- $1 mall_id, or NULL $2 agency_id, or NULL $3 actor
-- $4 whether daily_at changes $5 to what; likewise $6 $7 lookback, $8 $9 today_minutes, $10 $11 sweep
-- A row where something changed. Called by store/schedule/settings.rs only.
WITH wanted AS (
    SELECT CASE WHEN $4 THEN $5::time ELSE s.daily_at END AS daily_at,
           CASE WHEN $6 THEN $7::int ELSE s.lookback END AS lookback,
           CASE WHEN $8 THEN $9::int ELSE s.today_minutes END AS today_minutes,
           CASE WHEN $10 THEN $11::int ELSE s.sweep END AS sweep,
           coalesce(s.paused, '{}') AS paused, s.schedule_id
      FROM (VALUES ($1::text, $2::text)) AS asked (mall_id, agency_id)
      LEFT JOIN schedules s
        ON s.mall_id IS NOT DISTINCT FROM asked.mall_id AND s.agency_id IS NOT DISTINCT FROM asked.agency_id
), gone AS (
    DELETE FROM schedules s
     USING wanted w
     WHERE s.schedule_id = w.schedule_id AND w.paused = '{}'
       AND num_nonnulls(w.daily_at, w.lookback, w.today_minutes, w.sweep) = 0
    RETURNING 1
), kept AS (
    INSERT INTO schedules AS s (mall_id, agency_id, daily_at, lookback, today_minutes, sweep, updated_by)
    SELECT $1, $2, w.daily_at, w.lookback, w.today_minutes, w.sweep, $3
      FROM wanted w
     WHERE w.paused <> '{}' OR num_nonnulls(w.daily_at, w.lookback, w.today_minutes, w.sweep) > 0
    ON CONFLICT (mall_id, agency_id) DO UPDATE
       SET daily_at = excluded.daily_at, lookback = excluded.lookback, today_minutes = excluded.today_minutes,
           sweep = excluded.sweep, updated_at = now(), updated_by = excluded.updated_by
     WHERE (s.daily_at, s.lookback, s.today_minutes, s.sweep)
           IS DISTINCT FROM (excluded.daily_at, excluded.lookback, excluded.today_minutes, excluded.sweep)
    RETURNING 1
)
SELECT * FROM gone UNION ALL SELECT * FROM kept
