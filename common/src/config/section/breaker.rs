//! `[breaker]`

use std::time::Duration;

use crate::config::reader::Reader;
use crate::domain::failure::BreakerLimits;

/// When an endpoint counts as changed and is paused for all malls. HTTP 404 on its path pauses it at once.
#[derive(Debug, Clone, Copy)]
pub struct BreakerConfig {
    /// `malls`.
    pub malls: u32,
    /// `violations`.
    pub violations: u32,
    /// `window`.
    pub window: Duration,
}

impl BreakerConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let secs = Duration::from_secs;
        r.section(
            "breaker",
            "when an endpoint that broke is paused for all malls; 404 on its path pauses it at once",
        );
        let this = Self {
            malls: r.number(
                "breaker.malls",
                "answers of so many malls break the contract, at least; one alone pauses nothing",
                3,
                2..=1_000,
            ),
            violations: r.number("breaker.violations", "so many answers, at least", 20, 2..=10_000),
            window: r.duration("breaker.window", "within this time", secs(300), secs(10)..=secs(86_400)),
        };
        if this.violations < this.malls {
            r.conflict("breaker.violations", "is less than `breaker.malls`, which then decides alone");
        }
        this
    }

    /// The limits.
    pub fn limits(self) -> BreakerLimits {
        BreakerLimits { malls: self.malls.into(), violations: self.violations.into(), window: self.window }
    }
}
