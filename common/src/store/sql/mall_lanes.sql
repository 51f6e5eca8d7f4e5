-- mall_lanes.sql: malls whose lanes are sent on terms of their own, and all that share a bucket with one of them, by key and mall.
-- $1 whether to look for jobs that wait (waiting); without, nobody's do
-- Hours are those of the mall, else of its agency, else NULL: as the configuration says. Pauses of both add up.
-- Where nobody has anything of its own, connectors are not read at all. Called by store/lanes.rs only.
WITH own AS MATERIALIZED (
    SELECT c.limiter_key, c.mall_id, coalesce(m.hours, a.hours) AS hours,
           array(SELECT DISTINCT p.lane FROM scoped_lane_pauses p
                  WHERE p.mall_id = c.mall_id OR p.agency_id = c.agency_id) AS paused
      FROM connectors c
      LEFT JOIN backfill_hours m ON m.mall_id = c.mall_id
      LEFT JOIN backfill_hours a ON a.agency_id = c.agency_id
     WHERE EXISTS (SELECT FROM backfill_hours) OR EXISTS (SELECT FROM scoped_lane_pauses)
)
SELECT own.limiter_key, own.mall_id, own.hours, own.paused,
       CASE WHEN $1 THEN array(SELECT lane FROM unnest('{fresh,backfill}'::text[]) AS lane
                                WHERE EXISTS (SELECT FROM jobs j WHERE j.mall_id = own.mall_id AND j.lane = lane.lane
                                                 AND j.work_state = 'planned'))
            ELSE '{}' END AS waiting
  FROM own
 WHERE own.limiter_key IN (SELECT other.limiter_key FROM own AS other WHERE other.hours IS NOT NULL OR other.paused <> '{}')
 ORDER BY own.limiter_key, own.mall_id
