-- letter_filter.sql: which letters are meant; the WHERE of every statement about many of them, whose own parameters
-- follow from $13. A NULL or an empty array asks for nothing; custom plans fold such terms away, so each index is used.
-- $1 letter_id[] $2 cause_id[]: the named ones, of either list   $3 state[]   $4 mall_id[]   $5 agency_id   $6 endpoint
-- $7 class   $8 run_id   $9 died at or after   $10 died before   $11 text in the failure, the request or the answer
-- $12 archived at or before: what came into the archive after a plan was shown is not part of it
-- Indexes dead_letters_open, _mall, _cause, _agency, _kind, _run, _over. Used by store/dead_letters/*.rs.
 WHERE (cardinality($1::uuid[]) + cardinality($2::text[]) = 0 OR d.letter_id = ANY ($1) OR d.cause_id = ANY ($2))
   AND (cardinality($3::text[]) = 0 OR d.state = ANY ($3))
   AND (cardinality($4::text[]) = 0 OR d.mall_id = ANY ($4))
   AND ($5::text IS NULL OR d.agency_id = $5)
   AND ($6::text IS NULL OR d.endpoint = $6)
   AND ($7::text IS NULL OR d.class = $7)
   AND ($8::uuid IS NULL OR d.run_id = $8)
   AND ($9::timestamptz IS NULL OR d.died_at >= $9)
   AND ($10::timestamptz IS NULL OR d.died_at < $10)
   AND ($11::text IS NULL OR position(lower($11) IN lower(concat_ws(' ', d.reason, d.evidence))) > 0)
   AND ($12::timestamptz IS NULL OR d.archived_at <= $12)
