//! What the bucket said, counted for people and for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::counter;

use crate::domain::bucket::Correction;
use crate::limiter::LimiterError;

/// Numbers since the start of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Grants given.
    pub granted: u64,
    /// Requests for a token that were refused.
    pub refused: u64,
    /// Grants dropped because Redis' clock jumped.
    pub clock_jumps: u64,
    /// Answers that the bucket was told of: one round trip each.
    pub told: u64,
    /// Answers that said what was known.
    pub untold: u64,
    /// Corrections of a level downwards.
    pub down: u64,
    /// Levels proved, and slots given back.
    pub up: u64,
    /// Calls that failed.
    pub errors: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    granted: AtomicU64,
    refused: AtomicU64,
    clock_jumps: AtomicU64,
    told: AtomicU64,
    untold: AtomicU64,
    down: AtomicU64,
    up: AtomicU64,
    errors: AtomicU64,
}

fn add(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn granted(&self) {
        add(&self.granted);
        counter!("cafe24_sync_bucket_decisions_total", "decision" => "granted").increment(1);
    }

    pub(super) fn refused(&self) {
        add(&self.refused);
        counter!("cafe24_sync_bucket_decisions_total", "decision" => "refused").increment(1);
    }

    pub(super) fn clock_jump(&self) {
        add(&self.clock_jumps);
        counter!("cafe24_sync_bucket_decisions_total", "decision" => "clock_jump").increment(1);
    }

    pub(super) fn told(&self) {
        add(&self.told);
        counter!("cafe24_sync_bucket_observations_total", "told" => "yes").increment(1);
    }

    pub(super) fn untold(&self) {
        add(&self.untold);
        counter!("cafe24_sync_bucket_observations_total", "told" => "no").increment(1);
    }

    pub(super) fn corrected(&self, correction: Correction) {
        match correction {
            Correction::None => {}
            Correction::Down => {
                add(&self.down);
                counter!("cafe24_sync_bucket_corrections_total", "direction" => "down").increment(1);
            }
            Correction::Up => {
                add(&self.up);
                counter!("cafe24_sync_bucket_corrections_total", "direction" => "up").increment(1);
            }
        }
    }

    pub(super) fn failed(&self, error: &LimiterError) {
        add(&self.errors);
        counter!("cafe24_sync_bucket_errors_total", "kind" => error.kind()).increment(1);
    }

    pub(super) fn snapshot(&self) -> Counts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counts {
            granted: read(&self.granted),
            refused: read(&self.refused),
            clock_jumps: read(&self.clock_jumps),
            told: read(&self.told),
            untold: read(&self.untold),
            down: read(&self.down),
            up: read(&self.up),
            errors: read(&self.errors),
        }
    }
}
