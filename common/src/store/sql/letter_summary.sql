-- letter_summary.sql: what a filter selects. Goes before letter_filter.sql. The digest does not depend on the order; it
-- changes with every letter that comes or goes.
SELECT count(*) AS letters, count(*) FILTER (WHERE d.job_id IS NULL) AS no_jobs, count(DISTINCT d.mall_id) AS malls,
       count(DISTINCT d.cause_id) AS groups, min(d.died_at) AS first, max(d.died_at) AS last,
       coalesce(sum(hashtextextended(d.letter_id::text, 0)), 0)::text AS digest, now() AS as_of
  FROM dead_letters d
