-- set_approvals.sql: what a mall's data may be used for, from now on. One row: ended, written.
-- $1 mall $2 purposes[] $3 reference or NULL $4 day or NULL $5 who records it
-- A purpose that stays keeps its paper unless a new one is given. Approvals that an earlier agency was given go, too.
-- A mall that is not connected changes nothing. Called by store/approvals.rs only.
WITH mall AS (
    SELECT mall_id, agency_id FROM connectors WHERE mall_id = $1
), ended AS (
    DELETE FROM approvals a USING mall
     WHERE a.mall_id = mall.mall_id AND NOT (a.agency_id = mall.agency_id AND a.purpose = ANY ($2))
    RETURNING 1
), written AS (
    INSERT INTO approvals AS a (mall_id, agency_id, purpose, reference, approved_on, recorded_by)
    SELECT mall_id, agency_id, purpose, $3, $4, $5 FROM mall CROSS JOIN (SELECT DISTINCT unnest($2::text[])) AS p (purpose)
    ON CONFLICT (mall_id, agency_id, purpose) DO UPDATE
       SET reference = coalesce(excluded.reference, a.reference), approved_on = coalesce(excluded.approved_on, a.approved_on),
           recorded_by = excluded.recorded_by, recorded_at = now()
     WHERE (coalesce(excluded.reference, a.reference), coalesce(excluded.approved_on, a.approved_on))
           IS DISTINCT FROM (a.reference, a.approved_on)
    RETURNING 1
)
SELECT (SELECT count(*) FROM ended) AS ended, (SELECT count(*) FROM written) AS written
