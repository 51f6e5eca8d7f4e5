//! `[feed]`, `[reconcile]`, `[retry]`, `[dead]`, `[serve]`, `[web]`

use std::net::SocketAddr;
use std::time::Duration;

use super::worker::listen;
use crate::config::reader::Reader;
use crate::domain::backoff::Backoff;
use crate::domain::failure::AttemptLimits;

/// How the producer keeps the broker's windows filled.
#[derive(Debug, Clone, Copy)]
pub struct FeedConfig {
    /// `horizon`.
    pub horizon: Duration,
    /// `sweep`.
    pub sweep: Duration,
}

/// When a job without a sign of life is planned again.
#[derive(Debug, Clone, Copy)]
pub struct ReconcileConfig {
    /// `every`.
    pub every: Duration,
    /// `queued_deadline`.
    pub queued_deadline: Duration,
    /// `running_deadline`.
    pub running_deadline: Duration,
}

/// Attempts and waits by class of failure, and what retries may take of a budget. A 429 is no attempt.
#[derive(Debug, Clone, Copy)]
pub struct RetryConfig {
    /// `max_attempts`.
    pub max_attempts: i32,
    /// `base`.
    pub base: Duration,
    /// `cap`.
    pub cap: Duration,
    /// `bug_attempts`.
    pub bug_attempts: i32,
    /// `throttled_rest`.
    pub throttled_rest: Duration,
    /// `infrastructure_rest`.
    pub infrastructure_rest: Duration,
    /// `budget_share`, of 1.
    pub budget_share: f64,
}

/// The archive of dead letters.
#[derive(Debug, Clone, Copy)]
pub struct DeadConfig {
    /// `keep`: letters that were replayed or discarded longer ago are forgotten; 90 days (1 day–10 years).
    pub keep: Duration,
}

/// The daemon's private port: health and metrics.
#[derive(Debug, Clone, Copy)]
pub struct ServeConfig {
    /// `listen`.
    pub listen: SocketAddr,
}

/// The daemon's port for browsers: the link of `connect` and its callback. Bound only if `oauth.redirect_uri` is set.
#[derive(Debug, Clone, Copy)]
pub struct WebConfig {
    /// `listen`.
    pub listen: SocketAddr,
}

impl FeedConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let (millis, secs) = (Duration::from_millis, Duration::from_secs);
        r.section("feed", "how the producer keeps the broker's windows filled");
        Self {
            horizon: r.duration(
                "feed.horizon",
                "how far ahead work lies in the broker",
                secs(4),
                millis(500)..=secs(60),
            ),
            sweep: r.duration(
                "feed.sweep",
                "how often windows are looked at without being woken",
                secs(1),
                millis(50)..=secs(60),
            ),
        }
    }
}

impl ReconcileConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let secs = Duration::from_secs;
        let range = secs(1)..=secs(3_600);
        r.section("reconcile", "when a job without a sign of life is planned again");
        Self {
            every: r.duration("reconcile.every", "how often it is looked for", secs(60), range.clone()),
            queued_deadline: r.duration(
                "reconcile.queued_deadline",
                "a job in the broker that nobody claimed",
                secs(60),
                range.clone(),
            ),
            running_deadline: r.duration(
                "reconcile.running_deadline",
                "a job that was claimed and not settled",
                secs(120),
                range,
            ),
        }
    }
}

impl RetryConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let (millis, secs) = (Duration::from_millis, Duration::from_secs);
        r.section("retry", "failures that may pass; a 429 is none");
        let this = Self {
            max_attempts: r.number(
                "retry.max_attempts",
                "tries of a job before it is a dead letter",
                8,
                1..=100,
            ),
            base: r.duration(
                "retry.base",
                "longest wait after the first try; doubles with each",
                secs(2),
                millis(10)..=secs(600),
            ),
            cap: r.duration("retry.cap", "longest wait of all", secs(900), millis(10)..=secs(86_400)),
            bug_attempts: r.number(
                "retry.bug_attempts",
                "tries of a job that ends in a defect of ours before it is a dead letter",
                3,
                1..=100,
            ),
            throttled_rest: r.duration(
                "retry.throttled_rest",
                "shortest rest of a job after a 429; no attempt, and a longer Retry-After is kept",
                secs(1),
                secs(1)..=secs(900),
            ),
            infrastructure_rest: r.duration(
                "retry.infrastructure_rest",
                "rest of a job that met a server of ours that is away; no attempt",
                secs(5),
                millis(100)..=secs(900),
            ),
            budget_share: r.number(
                "retry.budget_share",
                "percent of a mall's requests that may be retries while first tries wait",
                25.0,
                1.0..=100.0,
            ) / 100.0,
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
        AttemptLimits { transient: self.max_attempts, bug: self.bug_attempts }
    }
}

impl DeadConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        r.section("dead", "the archive of what failed for good");
        Self {
            keep: r.duration(
                "dead.keep",
                "replayed and discarded letters are forgotten after this long",
                days(90),
                days(1)..=days(3_650),
            ),
        }
    }
}

impl ServeConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        r.section("serve", "the daemon");
        Self { listen: listen(r, "serve.listen", "/healthz, /readyz, /metrics; port 0 takes any", 42_000) }
    }
}

impl WebConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        r.section("web", "the daemon's port for browsers; needs oauth.redirect_uri");
        let doc = "the link and callback of `connect`; elsewhere than here TLS must stand before it";
        Self { listen: listen(r, "web.listen", doc, 42_001) }
    }
}
