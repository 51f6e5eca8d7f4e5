-- take_lease.sql: writes a mall's lease; its row in connectors is locked in this transaction, so nobody else takes it.
-- $1 mall_id $2 version $3 holder $4 taken_at $5 until $6 unanswered_at
INSERT INTO token_leases (mall_id, version, holder, taken_at, until, unanswered_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (mall_id) DO UPDATE
   SET version = excluded.version,
       holder = excluded.holder,
       taken_at = excluded.taken_at,
       until = excluded.until,
       unanswered_at = excluded.unanswered_at
