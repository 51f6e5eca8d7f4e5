-- schedule_gaps.sql: of each of these malls the first and the last day that is missing although nothing is about to
-- bring it, nothing keeps it from being fetched, and no dead letter of it waits for a person.
-- $1 mall_id[] $2 the last day that counts[]; equal lengths
-- Malls that never said from when on they are wanted (connectors.wanted_from) are left out: those from before the schedules
-- are not backfilled by themselves.
-- Counting the complete days of a series is cheap (slices_pkey); only where some are missing they are looked at.
SELECT short.mall_id, min(gap.date) AS first, max(gap.date) AS last
  FROM (SELECT w.mall_id, w.shop_no, w.endpoint, w.wanted_from, asked.through
          FROM unnest($1::text[], $2::date[]) AS asked (mall_id, through)
          JOIN connectors c ON c.mall_id = asked.mall_id AND c.wanted_from IS NOT NULL
         CROSS JOIN LATERAL (SELECT * FROM wanted_series s WHERE s.mall_id = asked.mall_id) AS w
         CROSS JOIN LATERAL (
            SELECT count(*) AS days
              FROM slices s
             WHERE s.mall_id = w.mall_id AND s.shop_no = w.shop_no AND s.endpoint = w.endpoint AND s.granularity = 'day'
               AND s.date BETWEEN w.wanted_from AND asked.through AND s.data_state <> 'partial') AS complete
         WHERE w.wanted_from <= asked.through AND complete.days < asked.through - w.wanted_from + 1) AS short
 CROSS JOIN LATERAL (
    SELECT c.date
      FROM slice_coverage c
     WHERE c.mall_id = short.mall_id AND c.shop_no = short.shop_no AND c.endpoint = short.endpoint
       AND c.date BETWEEN short.wanted_from AND short.through
       AND c.data_state IN ('missing', 'partial') AND c.work_state = 'idle') AS gap
 GROUP BY short.mall_id
