-- schedule_gaps.sql: of each of these malls the first and the last day that is missing although nothing is about to
-- bring it, nothing keeps it from being fetched, and no dead letter of it waits for a person.
-- $1 mall_id[] $2 the last day that counts[]; equal lengths
-- Malls that never said from when on they are wanted (connectors.wanted_from) are left out: those from before the schedules
-- are not backfilled by themselves.
-- The history of a new mall is left to onboarding for as long as that is about to plan it; what it has planned counts.
-- Where none is missing (series_states), the days are not looked at; other malls each by itself: OFFSET 0 keeps Postgres
-- from joining them to the live jobs of all malls, of which there may be millions.
SELECT short.mall_id, min(gap.date) AS first, max(gap.date) AS last
  FROM (SELECT w.mall_id, since.day AS since, asked.through
          FROM unnest($1::text[], $2::date[]) AS asked (mall_id, through)
          JOIN connectors c ON c.mall_id = asked.mall_id AND c.wanted_from IS NOT NULL
          LEFT JOIN schedule_ticks o ON o.mall_id = asked.mall_id AND o.schedule = 'onboarding' AND NOT o.over AND o.next_at IS NOT NULL
         CROSS JOIN LATERAL (
            SELECT CASE WHEN o.mall_id IS NULL THEN c.wanted_from
                        WHEN o.reached IS NOT NULL THEN greatest(c.wanted_from, o.reached) END AS day) AS since
         CROSS JOIN LATERAL (SELECT * FROM series_states s WHERE s.mall_id = asked.mall_id OFFSET 0) AS w
         CROSS JOIN LATERAL (
            SELECT length(translate(substr(w.days, since.day - w.wanted_from + 1, greatest(asked.through - since.day + 1, 0)), 'mp', '')) AS days) AS complete
         WHERE since.day <= asked.through AND complete.days < asked.through - since.day + 1
         GROUP BY w.mall_id, since.day, asked.through) AS short
 CROSS JOIN LATERAL (
    SELECT c.date
      FROM slice_coverage c
     WHERE c.mall_id = short.mall_id AND c.date BETWEEN short.since AND short.through
       AND c.data_state IN ('missing', 'partial') AND c.work_state = 'idle'
    OFFSET 0) AS gap
 GROUP BY short.mall_id
