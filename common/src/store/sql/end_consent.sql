-- end_consent.sql: says what came of an attempt, once, and tells whoever waits at commit.
-- $1 consent_id $2 outcome $3 detail. One that was given up before its state was used is used up by this.
WITH ended AS (
    UPDATE consents SET outcome = $2, detail = $3, used_at = coalesce(used_at, now())
     WHERE consent_id = $1 AND outcome IS NULL
    RETURNING consent_id
)
SELECT pg_notify('cafe24_consents', consent_id::text) FROM ended
