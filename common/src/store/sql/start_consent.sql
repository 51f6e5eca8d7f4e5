-- start_consent.sql: the start link was opened: binds the attempt to that browser and gives it a state.
-- $1 consent_id $2 sha256 of the state $3 sha256 of the cookie.
-- The browser that has the cookie may open the link again (it went back, or reloaded): the state before is void then. Two
-- browsers at once: the row's lock lets one of them win, the other finds another cookie and changes nothing.
WITH started AS (
    UPDATE consents
       SET state_hash = $2, cookie_hash = $3, started_at = coalesce(started_at, now())
     WHERE consent_id = $1 AND used_at IS NULL AND expires_at > now() AND (cookie_hash IS NULL OR cookie_hash = $3)
    RETURNING consent_id
)
SELECT pg_notify('cafe24_consents', consent_id::text) FROM started
