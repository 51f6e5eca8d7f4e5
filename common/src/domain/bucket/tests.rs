//! Properties of the bucket, against model servers of both kinds.
