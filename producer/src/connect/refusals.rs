//! Refused callbacks in the audit log, however many come.
//!
//! The log only grows and anybody on the net can make us refuse, so a minute has at most [`PER_MINUTE`] entries; the others
//! are counted, and the count stands in the first entry of a later minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::domain::ids::MallId;
use common::store::{AuditEntry, Control};
use tokio::time::Instant;

/// Far more than people make, and 12 MB a year if it never ends.
const PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_mins(1);

/// Who is said to have refused.
pub(super) const ACTOR: &str = "daemon:connect";

/// Writes refusals down.
#[derive(Debug)]
pub(super) struct Refusals {
    control: Control,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    written: u32,
    skipped: u32,
}

impl Window {
    /// Whether one more may be written; how many were not since the last.
    fn admit(&mut self, now: Instant) -> Option<u32> {
        if self.since.is_none_or(|since| now - since >= MINUTE) {
            self.since = Some(now);
            self.written = 0;
        }
        if self.written >= PER_MINUTE {
            self.skipped = self.skipped.saturating_add(1);
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.skipped))
    }
}

impl Refusals {
    pub(super) fn new(control: Control) -> Self {
        Self { control, window: Mutex::default() }
    }

    /// Notes that something was refused for `reason`. The refusal stands whether or not it can be noted.
    pub(super) async fn note(&self, mall: Option<&MallId>, target: &str, reason: &str) {
        let admitted = self.window.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now());
        let Some(skipped) = admitted else { return };
        tracing::warn!(
            event = "connect.refused",
            mall = mall.map(MallId::as_str),
            reason,
            "a callback was refused"
        );
        let mut details = serde_json::json!({ "reason": reason });
        if skipped > 0 {
            details["not_noted_before"] = skipped.into();
        }
        let entry = AuditEntry { actor: ACTOR, action: "connect.refused", mall, target, plan: None, details };
        if let Err(error) = self.control.audit(&entry).await {
            tracing::error!(
                event = "audit.failed",
                error = &error as &dyn std::error::Error,
                "a refused callback could not be noted"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x8_a_flood_of_refusals_leaves_sixty_entries_a_minute_and_their_number() {
        let mut window = Window::default();
        let start = Instant::now();
        let written = (0..10_000).filter(|_| window.admit(start).is_some()).count();
        assert_eq!(written, 60);
        assert_eq!(window.admit(start + MINUTE), Some(9_940));
        assert_eq!(window.admit(start + MINUTE), Some(0));
    }
}
