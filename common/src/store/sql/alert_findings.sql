-- alert_findings.sql: what wants a person now, one row a cause.
-- $1 dead letters of the last hour, at least so many  $2 … and more than this share of the jobs that ended in it
-- A cause among malls is their state's reason without its numbers and without the mall's name; after the ten most frequent
-- ones of a kind the others are one cause. A 429 counts for a quarter of an hour. Dead letters that were enough for an
-- alert are over only below half of that (enough), lest one that comes each minute opens and closes it each minute.
-- A mall is late when a shop and endpoint of it is not complete on the day that is due, and nothing of the above explains
-- that, nor a lane that a person paused (held_days); there are two causes: jobs are under way, or nobody fetches it. What is
-- complete are the letters of series_days, and where a mark stands (series_changed) the slice of that one day: series_states would
-- read all days of such a series, and in the morning all of them are marked.
-- example: the first mall. Indexes jobs_finished (asked only if there are letters enough), dead_letters_open.
-- Called every few seconds by the daemon, store/alerts.rs.
WITH stuck AS (
    SELECT c.mall_id,
           CASE WHEN l.mall_id IS NULL THEN c.state ELSE 'rotation_lost' END AS kind,
           left(regexp_replace(replace(coalesce(c.state_reason, ''), c.mall_id, '*'), '[0-9]+', '#', 'g'), 200) AS cause,
           coalesce(c.state_reason, '') AS detail
      FROM connectors c
      LEFT JOIN token_leases l ON l.mall_id = c.mall_id AND l.version = c.token_version AND l.unanswered_at IS NOT NULL
     WHERE c.state IN ('needs_consent', 'needs_scope', 'forbidden')
), cause AS (
    SELECT kind, cause, row_number() OVER (PARTITION BY kind ORDER BY count(*) DESC, cause) AS place
      FROM stuck
     GROUP BY kind, cause
), short AS (
    -- OFFSET 0: only of these few is anything else asked.
    SELECT w.mall_id, w.shop_no, w.endpoint, clock.due_day, clock.fresh_by
      FROM freshness_clock AS clock
     CROSS JOIN wanted_series w
      LEFT JOIN series_days kept ON kept.mall_id = w.mall_id AND kept.shop_no = w.shop_no AND kept.endpoint = w.endpoint
     WHERE w.counts AND w.state = 'active' AND w.pause_cause IS NULL
       AND w.wanted_from <= clock.due_day AND w.created_at <= clock.due_at
       AND NOT CASE WHEN EXISTS (SELECT FROM series_changed c
                                  WHERE c.mall_id = w.mall_id AND c.shop_no = w.shop_no AND c.endpoint = w.endpoint)
                    THEN EXISTS (SELECT FROM slices s
                                  WHERE s.mall_id = w.mall_id AND s.shop_no = w.shop_no AND s.endpoint = w.endpoint
                                    AND s.granularity = 'day' AND s.date = clock.due_day AND s.data_state <> 'partial')
                    ELSE coalesce(kept.first_day <= clock.due_day
                                  AND substr(kept.days, clock.due_day - kept.first_day + 1, 1) IN ('c', 'r'), false) END
    OFFSET 0
), late AS (
    SELECT short.mall_id, due_day, fresh_by, bool_or(work.job) AS under_way
      FROM short
     CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM jobs j
                        WHERE j.mall_id = short.mall_id AND j.shop_no = short.shop_no AND j.endpoint = short.endpoint
                          AND j.granularity = 'day' AND j.work_state IN ('planned', 'queued', 'running', 'parked')) AS job,
               EXISTS (SELECT FROM dead_letters d
                        WHERE d.mall_id = short.mall_id AND d.shop_no = short.shop_no AND d.endpoint = short.endpoint
                          AND d.state = 'open') AS letter
        OFFSET 0) AS work
     CROSS JOIN LATERAL (
        SELECT CASE WHEN work.job AND (EXISTS (SELECT FROM lane_pauses) OR EXISTS (SELECT FROM scoped_lane_pauses))
                    THEN EXISTS (SELECT FROM held_days h
                                  WHERE h.mall_id = short.mall_id AND h.shop_no = short.shop_no AND h.endpoint = short.endpoint
                                    AND h.days @> short.due_day)
                    ELSE false END AS days
        OFFSET 0) AS held
     WHERE NOT work.letter AND NOT held.days
     GROUP BY short.mall_id, due_day, fresh_by
), letters AS (
    SELECT count(*) AS dead, count(DISTINCT mall_id) AS malls, min(mall_id) AS example,
           mode() WITHIN GROUP (ORDER BY class) AS class
      FROM dead_letters
     WHERE state = 'open' AND died_at > now() - interval '1 hour'
), enough AS (
    SELECT CASE WHEN EXISTS (SELECT FROM alerts WHERE kind = 'dead_letters' AND closed_at IS NULL) THEN 0.5 ELSE 1 END AS part
), ended AS (
    -- One more than there may be for these letters to be too many: a busy hour's jobs are not all counted.
    SELECT count(*) AS jobs
      FROM (SELECT FROM jobs
             WHERE work_state IN ('done', 'failed') AND finished_at > now() - interval '1 hour'
             LIMIT (SELECT ceil(dead / nullif($2::float8 * part, 0))::bigint + 1 FROM letters, enough)) AS counted
)
SELECT stuck.kind, CASE WHEN place <= 10 THEN cause.cause ELSE 'other reasons' END AS subject, count(*) AS malls,
       min(stuck.mall_id) AS example, min(stuck.detail) AS detail
  FROM stuck
  JOIN cause USING (kind, cause)
 GROUP BY 1, 2
UNION ALL
SELECT CASE p.cause WHEN 'not_found' THEN 'endpoint_missing' ELSE 'api_changed' END, concat_ws('/', p.endpoint, p.dialect),
       (SELECT count(*) FROM connectors c WHERE p.dialect IS NULL OR c.dialect = p.dialect), p.endpoint, p.reason
  FROM endpoint_pauses p
 WHERE p.ended_at IS NULL AND p.cause <> 'operator'
UNION ALL
SELECT 'tokens_ending', '', count(*), min(mall_id), to_char(min(refresh_expires_at) AT TIME ZONE 'Asia/Seoul', 'MM-DD HH24:MI "KST"')
  FROM connectors
 WHERE state IN ('active', 'paused') AND refresh_expires_at < now() + interval '3 days'
HAVING count(*) > 0
UNION ALL
SELECT 'throttled', '', count(*), min(mall_id), format('last at %s', to_char(max(last_at) AT TIME ZONE 'Asia/Seoul', 'HH24:MI "KST"'))
  FROM throttlings
 WHERE last_at > now() - interval '15 minutes'
HAVING count(*) > 0
UNION ALL
SELECT 'dead_letters', '', letters.malls, letters.example,
       format('%s of %s jobs of the last hour, most of class %s', letters.dead, greatest(ended.jobs, letters.dead), replace(letters.class, '_', ' '))
  FROM letters, ended, enough
 WHERE letters.dead >= $1::bigint * enough.part AND letters.dead > $2::float8 * ended.jobs * enough.part
UNION ALL
SELECT 'late', CASE WHEN under_way THEN 'in work' ELSE 'idle' END, count(*), min(mall_id),
       format('%s is not complete by %s KST, %s', due_day, to_char(fresh_by, 'HH24:MI'),
              CASE WHEN under_way THEN 'though jobs are under way' ELSE 'and no job fetches it' END)
  FROM late
 GROUP BY under_way, due_day, fresh_by
