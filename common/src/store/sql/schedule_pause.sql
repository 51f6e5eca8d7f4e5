-- schedule_pause.sql: pauses a schedule of a scope, or ends that pause.
-- $1 mall_id, or NULL $2 agency_id, or NULL $3 actor $4 schedule $5 whether it pauses
-- A row where something changed; a row of schedules that says nothing any more stays, and does no harm.
INSERT INTO schedules AS s (mall_id, agency_id, paused, updated_by)
SELECT $1, $2, ARRAY[$4::text], $3
 WHERE $5 OR EXISTS (SELECT FROM schedules o
                      WHERE o.mall_id IS NOT DISTINCT FROM $1::text AND o.agency_id IS NOT DISTINCT FROM $2::text AND $4 = ANY (o.paused))
ON CONFLICT (mall_id, agency_id) DO UPDATE
   SET paused = CASE WHEN $5 THEN array_append(s.paused, $4) ELSE array_remove(s.paused, $4) END,
       updated_at = now(), updated_by = excluded.updated_by
 WHERE $5 <> ($4 = ANY (s.paused))
RETURNING 1
