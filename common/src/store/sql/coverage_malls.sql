-- coverage_malls.sql: a page of malls with how fresh they are. $1 after this mall id (keyset) $2 at most this many
-- $3 mall_id[] (empty: all) $4 agency_id (NULL: any)
-- View mall_freshness, asked mall by mall: OFFSET 0 keeps it from being asked for all malls. Called by store/coverage.rs only.
SELECT c.mall_id, c.agency_id, f.status, f.reason, f.complete_through, f.gap_days
  FROM (SELECT mall_id, agency_id FROM connectors
         WHERE mall_id > $1 AND ($3::text[] = '{}' OR mall_id = ANY ($3)) AND ($4::text IS NULL OR agency_id = $4)
         ORDER BY mall_id LIMIT $2) AS c
 CROSS JOIN LATERAL (SELECT * FROM mall_freshness WHERE mall_id = c.mall_id OFFSET 0) AS f
 ORDER BY c.mall_id
