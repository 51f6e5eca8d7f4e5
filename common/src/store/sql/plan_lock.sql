-- plan_lock.sql: one planner at a time, for the length of the transaction.
-- Five operators who wish for overlapping ranges at once then see each other's jobs, and nothing is asked for twice.
-- Called by store/plan.rs only. Planning 100 malls takes well under a second, so nobody waits long.
SELECT pg_advisory_xact_lock(hashtext('cafe24-sync'), hashtext('plan'))
