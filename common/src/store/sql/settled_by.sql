-- settled_by.sql: which of these outcomes are in the ledger; asked when the answer to a COMMIT was lost.
-- $1 job_id[] $2 fence[]; equal lengths. Equal, not at least: a later claim's outcome says nothing of this transaction.
SELECT j.job_id
  FROM unnest($1::uuid[], $2::bigint[]) AS a (job_id, fence)
  JOIN jobs j USING (job_id)
 WHERE j.settled_fence = a.fence
