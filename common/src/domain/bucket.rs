//! Arithmetic of the token bucket.
