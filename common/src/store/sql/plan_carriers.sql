-- plan_carriers.sql: the jobs of other wishes that bring slices of this one: what a wish waits for besides its own jobs.
-- As of the statement that made plan_slices: a job that ended since is among them, with its end. Called by store/plan.rs only.
SELECT DISTINCT unnest(carriers) AS job_id
  FROM plan_slices
 WHERE in_work AND NOT complete
