-- buckets.sql: the limiter keys of malls, who shares them, and what they leave to others.
-- $1 mall, $2 agency: only keys that one of these malls has; both NULL: all. Called by store/budget.rs only.
SELECT c.limiter_key, array_agg(c.mall_id ORDER BY c.mall_id) AS malls, l.reserve, l.set_by, l.set_at
  FROM connectors c
  LEFT JOIN limiter_settings l USING (limiter_key)
 WHERE ($1::text IS NULL AND $2::text IS NULL)
    OR c.limiter_key IN (SELECT o.limiter_key FROM connectors o WHERE o.mall_id = $1 OR o.agency_id = $2)
 GROUP BY c.limiter_key, l.reserve, l.set_by, l.set_at
 ORDER BY c.limiter_key
