-- alerts_seen.sql: opens what is new, renews what still holds, closes what is seen no more.
-- $1 kind[] $2 subject[] $3 malls[] $4 text[] $5 remedy[]; equal lengths, each kind and subject once
-- Answers what changed: opened and closed alerts. Called by store/alerts.rs only.
WITH seen AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[]) AS s (kind, subject, malls, text, remedy)
), renewed AS (
    INSERT INTO alerts AS a (kind, subject, malls, text, remedy)
    SELECT kind, subject, malls, text, remedy FROM seen ORDER BY kind, subject
    ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO UPDATE
       SET malls = excluded.malls, text = excluded.text, remedy = excluded.remedy, last_seen_at = now()
    RETURNING a.kind, a.text, a.remedy, xmax = 0 AS opened
), closed AS (
    UPDATE alerts a SET closed_at = now(), tries = 0, retry_at = now()
     WHERE a.closed_at IS NULL
       AND NOT EXISTS (SELECT FROM seen WHERE (seen.kind, seen.subject) = (a.kind, a.subject))
    RETURNING a.kind, a.text, a.remedy
)
SELECT kind, text, remedy, true AS opened FROM renewed WHERE opened
UNION ALL
SELECT kind, text, remedy, false FROM closed
