-- plan_counts.sql: what became of the wish's slices. Reads plan_slices (plan_wanted.sql).
SELECT count(*) AS wanted,
       count(*) FILTER (WHERE complete) AS complete,
       count(*) FILTER (WHERE in_work AND NOT complete) AS in_work,
       count(*) FILTER (WHERE failed) AS failed
  FROM plan_slices
