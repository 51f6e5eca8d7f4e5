-- prune_versions.sql: forgets what figures were before they changed, long ago; what they are stands in slices.
-- $1 replaced more than this many seconds ago $2 the same of partial ones   $3 at most this many at once
-- Indexes slice_versions_replaced, slice_versions_partial. Called by the reconciler.
DELETE FROM slice_versions
 WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM slice_versions
     WHERE replaced_at < now() - make_interval(secs => $1)
        OR (data_state = 'partial' AND replaced_at < now() - make_interval(secs => $2))
     LIMIT $3))
