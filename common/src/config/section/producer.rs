//! `[feed]`, `[reconcile]`, `[retry]`, `[serve]`

use std::net::SocketAddr;
use std::time::Duration;

use super::worker::listen;
use crate::config::reader::Reader;
use crate::domain::backoff::Backoff;
use crate::domain::failure::AttemptLimits;

/// How the producer keeps the broker's windows filled.
#[derive(Debug, Clone, Copy)]
pub struct FeedConfig {
    /// `horizon`: how far ahead work lies in the broker; 4 s (500 ms–60 s).
    pub horizon: Duration,
    /// `sweep`: how often the windows are looked at without being woken; 1 s (50 ms–60 s).
    pub sweep: Duration,
}

/// When a job without a sign of life is planned again.
#[derive(Debug, Clone, Copy)]
pub struct ReconcileConfig {
    /// `every`; 60 s (1 s–1 h).
    pub every: Duration,
    /// `queued_deadline`: a job in the broker that nobody claimed; 60 s (1 s–1 h).
    pub queued_deadline: Duration,
    /// `running_deadline`: a job that was claimed and not settled; 120 s (1 s–1 h).
    pub running_deadline: Duration,
}

/// Attempts of transient failures, and the waits between them. A 429 is no attempt.
#[derive(Debug, Clone, Copy)]
pub struct RetryConfig {
    /// `max_attempts`; 8 (1–100).
    pub max_attempts: i32,
    /// `base`: bound of the first wait; 2 s (10 ms–10 min).
    pub base: Duration,
    /// `cap`: bound of every wait; 15 min (10 ms–24 h).
    pub cap: Duration,
}

/// The daemon's page.
#[derive(Debug, Clone, Copy)]
pub struct ServeConfig {
    /// `listen`; `127.0.0.1:42000`.
    pub listen: SocketAddr,
}

impl FeedConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let (millis, secs) = (Duration::from_millis, Duration::from_secs);
        Self {
            horizon: r.duration("feed.horizon", secs(4), millis(500)..=secs(60)),
            sweep: r.duration("feed.sweep", secs(1), millis(50)..=secs(60)),
        }
    }
}

impl ReconcileConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let secs = Duration::from_secs;
        let range = secs(1)..=secs(3_600);
        Self {
            every: r.duration("reconcile.every", secs(60), range.clone()),
            queued_deadline: r.duration("reconcile.queued_deadline", secs(60), range.clone()),
            running_deadline: r.duration("reconcile.running_deadline", secs(120), range),
        }
    }
}

impl RetryConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let (millis, secs) = (Duration::from_millis, Duration::from_secs);
        let this = Self {
            max_attempts: r.number("retry.max_attempts", 8, 1..=100),
            base: r.duration("retry.base", secs(2), millis(10)..=secs(600)),
            cap: r.duration("retry.cap", secs(900), millis(10)..=secs(86_400)),
        };
        if this.base > this.cap {
            r.conflict("retry.cap", "is shorter than `retry.base`");
        }
        this
    }

    /// The waits.
    pub fn backoff(self) -> Backoff {
        Backoff { base: self.base, cap: self.cap }
    }

    /// The attempts.
    pub fn limits(self) -> AttemptLimits {
        AttemptLimits { transient: self.max_attempts, ..AttemptLimits::default() }
    }
}

impl ServeConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        Self { listen: listen(r, "serve.listen", 42_000) }
    }
}
