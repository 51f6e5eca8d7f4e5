-- alerts_seen.sql: opens what is new, renews what still holds, closes what is seen no more.
-- $1 kind[] $2 subject[] $3 malls[] $4 text[] $5 remedy[]; equal lengths, each kind and subject once
-- Answers what changed: opened and closed alerts. Called by store/alerts.rs only.
WITH seen AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[]) AS s (kind, subject, malls, text, remedy)
), known AS (
    SELECT a.alert_id, s.*
      FROM alerts a
      JOIN seen s USING (kind, subject)
     WHERE a.closed_at IS NULL
     ORDER BY s.kind, s.subject
       FOR UPDATE OF a
), renewed AS (
    UPDATE alerts a
       SET malls = known.malls, text = known.text, remedy = known.remedy, last_seen_at = now()
      FROM known
     WHERE a.alert_id = known.alert_id
), opened AS (
    -- Only what is new: a row that is tried and not inserted takes a number of its own all the same.
    INSERT INTO alerts (kind, subject, malls, text, remedy)
    SELECT kind, subject, malls, text, remedy
      FROM seen s
     WHERE NOT EXISTS (SELECT FROM known WHERE (known.kind, known.subject) = (s.kind, s.subject))
     ORDER BY kind, subject
    ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO NOTHING
    RETURNING kind, text, remedy
), closed AS (
    UPDATE alerts a SET closed_at = now(), tries = 0, retry_at = now()
     WHERE a.closed_at IS NULL
       AND NOT EXISTS (SELECT FROM seen WHERE (seen.kind, seen.subject) = (a.kind, a.subject))
    RETURNING a.kind, a.text, a.remedy
)
SELECT kind, text, remedy, true AS opened FROM opened
UNION ALL
SELECT kind, text, remedy, false FROM closed
