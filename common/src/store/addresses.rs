//! The addresses of one database, of which one takes writes.

use std::sync::atomic::AtomicUsize;

use sqlx::postgres::PgConnectOptions;

/// The addresses of the database.
pub(super) struct Addresses {
    pub(super) all: Vec<PgConnectOptions>,
    pub(super) wants_writable: bool,
    /// The one that took writes when it was last looked for.
    pub(super) chosen: AtomicUsize,
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The options hold a password.
        f.debug_struct("Addresses").field("count", &self.all.len()).finish_non_exhaustive()
    }
}

impl Addresses {
    pub(super) fn new(all: Vec<PgConnectOptions>, wants_writable: bool) -> Self {
        Self { all, wants_writable, chosen: AtomicUsize::new(0) }
    }
}
