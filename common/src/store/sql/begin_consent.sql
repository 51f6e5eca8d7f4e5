-- begin_consent.sql: begins an attempt to connect a mall.
-- $1 consent_id $2 way $3 sha256 of the ticket $4 sha256 of the state (one of the two) $5 mall_id $6 agency_id
-- $7 app_id or NULL $8 dialect $9 shops[] or NULL $10 redirect_uri $11 asked_by $12 seconds until it ends
INSERT INTO consents (consent_id, way, ticket_hash, state_hash, mall_id, agency_id, app_id, dialect, shops, redirect_uri, asked_by,
                      expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + make_interval(secs => $12))
