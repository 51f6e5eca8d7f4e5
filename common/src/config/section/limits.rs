//! `[limits]`

use std::fmt;

use crate::config::declare::Kind;
use crate::config::reader::Reader;
use crate::domain::bucket::Reserve;
use crate::domain::hours::Hours;

/// What has a bucket of its own (`docs/live-api.md` §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterKeyKind {
    /// Each mall: the specification.
    Mall,
    /// The API's host: all malls share one bucket.
    Host,
    /// Each path of the API's host. Paced as [`Host`](Self::Host), `docs/adr/0017`.
    HostPath,
}

impl LimiterKeyKind {
    const ALL: [Self; 3] = [Self::Mall, Self::Host, Self::HostPath];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mall => "mall",
            Self::Host => "host",
            Self::HostPath => "host+path",
        }
    }
}

impl fmt::Display for LimiterKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The token bucket of the server. Response headers may only lower it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitsConfig {
    /// `capacity`. Unset: the limiter's own margin.
    pub capacity: Option<u32>,
    /// `burst`; up to 10,000 against a simulator on this machine.
    pub burst: u32,
    /// `refill_per_second`; up to 1,000 against a simulator on this machine.
    pub refill_per_second: f64,
    /// `key`.
    pub key: LimiterKeyKind,
    /// `reserve`, for keys that have no share of their own.
    pub reserve: Reserve,
    /// `backfill_hours`. Unset: at any time.
    pub backfill_hours: Option<Hours>,
}

impl LimitsConfig {
    /// `simulated`: the API is a simulator on this machine, whose limits are as one likes.
    pub(in crate::config) fn read(r: &mut Reader, simulated: bool) -> Self {
        let (burst_max, refill_max) = if simulated { (10_000, 1_000.0) } else { (40, 2.0) };
        r.section("limits", "the server's bucket; answers may only lower it");
        let burst = r.number("limits.burst", "tokens in a full bucket", 40, 1..=burst_max);
        let limits = Self {
            burst,
            capacity: r.optional_number(
                "limits.capacity",
                "tokens of it that are used; unset: burst - 5",
                1..=burst,
            ),
            refill_per_second: r.number("limits.refill_per_second", "tokens a second", 2.0, 0.1..=refill_max),
            key: r.choice(
                "limits.key",
                "what has a bucket of its own",
                LimiterKeyKind::Mall,
                &LimiterKeyKind::ALL,
                &["mall", "host", "host+path"],
                LimiterKeyKind::as_str,
            ),
            reserve: r.value(
                "limits.reserve",
                "share of each bucket left to other software (0% to 90%)",
                Kind::TEXT,
                Reserve::NONE,
                |text| text.parse().map_err(|_| "write a share, 0% to 90%".to_owned()),
                Reserve::to_string,
            ),
            backfill_hours: r.optional(
                "limits.backfill_hours",
                "KST hours in which backfills are sent; unset: at any time",
                Kind::Text { sample: "01:00-06:00" },
                |text| text.parse().map_err(|_| "write KST hours, \"01:00-06:00\"".to_owned()),
                Hours::to_string,
            ),
        };
        if limits.key == LimiterKeyKind::HostPath {
            r.warn(
                "limits.key: the buckets of paths are not told apart yet: host+path is paced as host, never too fast, and \
                 slower than they allow → set limits.key to host"
                    .to_owned(),
            );
        }
        limits
    }
}
