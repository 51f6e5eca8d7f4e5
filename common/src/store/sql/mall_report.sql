-- mall_report.sql: malls with what an operator asks first. $1 after this mall id (keyset) $2 at most this many $3 this mall alone, or NULL
-- fresh: how fresh the mall is (view mall_freshness, asked mall by mall, which OFFSET 0 sees to), also complete_through and gaps.
-- live: counted in the index jobs_live, of which a mall may have a thousand; running: of all malls at once (jobs_window), they are few;
-- parked: counted in the index jobs_parked.
-- dead: its open letters, how many causes they have, and the cause of the newest (index dead_letters_mall).
SELECT c.mall_id, c.agency_id, c.shops, c.state, c.state_reason, c.state_since, c.config_json ->> 'mode' AS mode, c.limiter_key,
       fresh.status AS freshness, fresh.reason AS freshness_reason, fresh.wanted_from, fresh.complete_through,
       fresh.gap_days AS gaps, live.jobs - coalesce(running.jobs, 0) - parked.jobs AS waiting,
       coalesce(running.jobs, 0) AS running, parked.jobs AS parked, coalesce(dead.letters, 0) AS dead,
       coalesce(dead.causes, 0) AS dead_causes, dead.newest_group AS dead_group, dead.newest_cause AS dead_cause
  FROM (SELECT * FROM connectors WHERE mall_id > $1 AND ($3::text IS NULL OR mall_id = $3) ORDER BY mall_id LIMIT $2) AS c
 CROSS JOIN LATERAL (SELECT * FROM mall_freshness f WHERE f.mall_id = c.mall_id OFFSET 0) AS fresh
  LEFT JOIN (SELECT mall_id, count(*) AS jobs FROM jobs WHERE work_state = 'running' GROUP BY mall_id) AS running
    ON running.mall_id = c.mall_id
 CROSS JOIN LATERAL (
    SELECT count(*) AS jobs
      FROM jobs j
     WHERE j.mall_id = c.mall_id AND j.work_state IN ('planned', 'queued', 'running', 'parked')) AS live
 CROSS JOIN LATERAL (
    SELECT count(*) AS jobs FROM jobs j WHERE j.mall_id = c.mall_id AND j.work_state = 'parked') AS parked
  LEFT JOIN LATERAL (
    SELECT count(*) AS letters, count(DISTINCT d.cause_id) AS causes, (array_agg(d.cause_id ORDER BY d.died_at DESC))[1] AS newest_group,
           (array_agg(d.cause ORDER BY d.died_at DESC))[1] AS newest_cause
      FROM dead_letters d
     WHERE d.mall_id = c.mall_id AND d.state = 'open') AS dead ON true
 ORDER BY c.mall_id
