-- alerts_due.sql: what has to be told now: openings, endings of what was told, and once a day what is still open.
-- $1 at most this many. An ending that nobody took for a day is told no more. Called by store/alerts.rs only.
SELECT * FROM alerts
 WHERE retry_at <= now()
   AND (silenced_until IS NULL OR silenced_until <= now())
   AND CASE
           WHEN closed_at IS NULL THEN told_at IS NULL OR told_at <= now() - interval '1 day'
           ELSE told_at IS NOT NULL AND end_told_at IS NULL AND closed_at > now() - interval '1 day'
       END
 ORDER BY alert_id
 LIMIT $1
