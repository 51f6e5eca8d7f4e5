-- alerts_due.sql: takes one alert that has to be told now: an opening, the ending of one that was told, or once a day
-- one that is still open. It is not due again for $1 seconds, so that two couriers never tell it both.
-- An ending that nobody took for a day is told no more. Called by store/alerts.rs only.
UPDATE alerts SET retry_at = now() + make_interval(secs => $1)
 WHERE alert_id = (
       SELECT alert_id FROM alerts
        WHERE retry_at <= now()
          AND (silenced_until IS NULL OR silenced_until <= now())
          AND CASE
                  WHEN closed_at IS NULL THEN told_at IS NULL OR told_at <= now() - interval '1 day'
                  ELSE told_at IS NOT NULL AND end_told_at IS NULL AND closed_at > now() - interval '1 day'
              END
        ORDER BY alert_id
        LIMIT 1
          FOR UPDATE SKIP LOCKED)
RETURNING *
