//! What the duties of this process have done lately, for `/status`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use common::clock::now;

use super::Duty;

/// The duties that run here, and how they fare. Empty: this process stands by.
#[derive(Debug, Default)]
pub(crate) struct Board {
    duties: Mutex<BTreeMap<Duty, Seen>>,
}

/// How a duty fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When its last pass went well.
    pub(crate) last_pass: Option<DateTime<Utc>>,
    /// When its last pass failed, and of which server.
    pub(crate) last_error: Option<(DateTime<Utc>, &'static str)>,
    /// Passes that failed since the last one that went well.
    failures: u32,
}

impl Board {
    /// What runs here now.
    pub(crate) fn seen(&self) -> BTreeMap<Duty, Seen> {
        self.lock().clone()
    }

    pub(super) fn took_up(&self, duty: Duty) {
        self.lock().insert(duty, Seen::default());
    }

    pub(super) fn laid_down(&self) {
        self.lock().clear();
    }

    pub(super) fn passed(&self, duty: Duty) {
        let mut duties = self.lock();
        let seen = duties.entry(duty).or_default();
        seen.last_pass = Some(now());
        seen.failures = 0;
    }

    /// Counts the failures since the last pass that went well, this one included.
    pub(super) fn failed(&self, duty: Duty, server: &'static str) -> u32 {
        let mut duties = self.lock();
        let seen = duties.entry(duty).or_default();
        seen.last_error = Some((now(), server));
        seen.failures += 1;
        seen.failures
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Duty, Seen>> {
        // Whole values are written under the lock, so a panic elsewhere leaves none that is half written.
        self.duties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_from_the_last_pass_that_went_well() {
        let board = Board::default();
        board.took_up(Duty::Feeder);
        assert_eq!([board.failed(Duty::Feeder, "Redis"), board.failed(Duty::Feeder, "Redis")], [1, 2]);
        board.passed(Duty::Feeder);
        assert_eq!(board.failed(Duty::Feeder, "Postgres"), 1);
        let seen = board.seen()[&Duty::Feeder];
        assert!(seen.last_pass.is_some() && seen.last_error.is_some_and(|(_, server)| server == "Postgres"));
        board.laid_down();
        assert!(board.seen().is_empty());
    }
}
