//! What the bucket answers, and what it is told.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::bucket::{Limits, Seen, Slot};

/// The answer to [`take`](super::Limiter::take).
#[derive(Debug)]
pub enum Take {
    /// One request may be sent at the slot.
    Granted(Grant),
    /// No token within the horizon; nothing was taken.
    Refused {
        /// A token is within the horizon after this long, if nobody else takes it. More than zero.
        ask_in: Duration,
    },
}

/// Leave to send one request, once. Dropping it wastes one token and does no harm.
#[derive(Debug)]
pub struct Grant {
    pub(super) slot: Instant,
    pub(super) use_by: Instant,
    pub(super) terms: Slot,
}

impl Grant {
    /// Send now or later, not before.
    pub fn slot(&self) -> Instant {
        self.slot
    }

    /// Send before this instant or not at all. Counted from before Redis was asked, so a slow answer does not prolong it.
    pub fn use_by(&self) -> Instant {
        self.use_by
    }

    /// Whether it is too late to use this grant at `now`.
    pub fn is_stale(&self, now: Instant) -> bool {
        now > self.use_by
    }

    /// Whole tokens that the server should still have after this request; below zero only if somebody else takes some.
    pub fn level_after(&self) -> i64 {
        self.terms.level_after
    }
}

/// What one answer said about the bucket. Headers that are absent, negative or garbage are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observation {
    /// `X-RateLimit-Remaining`: whole tokens left after the request.
    pub remaining: Option<i64>,
    /// `X-RateLimit-Burst-Capacity`: may lower our working capacity.
    pub burst_capacity: Option<i64>,
    /// `X-RateLimit-Replenish-Rate`: tokens a second; may lower our rate.
    pub replenish_rate: Option<i64>,
    /// The answer was a 429.
    pub throttled: bool,
    /// `Retry-After`; longer than 15 min counts as 15 min.
    pub retry_after: Option<Duration>,
    /// Since the request was sent.
    pub elapsed: Duration,
    /// Other requests of this key that this process has in flight.
    pub in_flight: u32,
}

impl Observation {
    pub(super) fn seen(&self, limits: &Limits) -> Seen {
        let seen = Seen::new(limits, self.remaining, self.burst_capacity, self.replenish_rate)
            .aged(self.elapsed, self.in_flight);
        if self.throttled { seen.throttled(self.retry_after) } else { seen }
    }
}
