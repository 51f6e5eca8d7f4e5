-- letter_groups.sql: letters by cause, the largest group first. $13 at most this many.
-- The lines of letter_filter.sql stand between the two parts. Called by store/dead_letters/list.rs only.
SELECT d.cause_id, d.class, d.cause, count(*) AS letters, count(DISTINCT d.mall_id) AS malls,
       min(d.died_at) AS first, max(d.died_at) AS last
  FROM dead_letters d
