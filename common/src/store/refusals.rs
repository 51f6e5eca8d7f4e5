//! Writes that a read-only server refused: sessions from before that are not used again (`docs/reliability.md` P5).

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// When a session of this process was last refused a write by a server that takes none. A process has one database.
static MET: LazyLock<watch::Sender<Option<Instant>>> = LazyLock::new(|| watch::Sender::new(None));

/// A write was refused: the server of that session is read-only.
pub(super) fn met() {
    MET.send_replace(Some(Instant::now()));
}

/// Whether a session of that age is older than the last refusal.
pub(super) fn may_be_read_only(age: Duration) -> bool {
    MET.borrow().is_some_and(|met| met.elapsed() <= age)
}

/// Waits for the next refusal.
pub(super) fn refusals() -> watch::Receiver<Option<Instant>> {
    MET.subscribe()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::error::StoreError;

    #[test]
    fn p05_what_is_older_than_a_refused_write_is_not_used_again() {
        assert!(!may_be_read_only(Duration::from_hours(1)));
        let _ = StoreError::from_state(Some("25006"), "", "cause".into());
        assert!(may_be_read_only(Duration::from_hours(1)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(!may_be_read_only(Duration::from_millis(1)));
    }
}
