//! Exponential backoff with full jitter.
//!
//! The wait is drawn evenly from zero to the exponential bound, so that a thousand jobs which failed together do not
//! come back together. Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), "full jitter".

use std::time::Duration;

/// Bounds of the waits.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Bound of the first wait; more than zero.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Backoff {
    /// For a job that failed by a [`Transient`](super::failure::FailureClass::Transient) fault: 2 s to 15 min.
    pub const RETRY: Self = Self { base: Duration::from_secs(2), cap: Duration::from_mins(15) };
    /// For reaching a server again: 0.5 s to 15 s (`docs/reliability.md` B8).
    pub const RECONNECT: Self = Self { base: Duration::from_millis(500), cap: Duration::from_secs(15) };

    /// The longest wait after `failures` failures before this one (0 for the first).
    pub fn bound(self, failures: u32) -> Duration {
        self.base.saturating_mul(1u32.checked_shl(failures).unwrap_or(u32::MAX)).min(self.cap)
    }

    /// The wait for a draw `jitter` from 0 to 1.
    pub fn wait(self, failures: u32, jitter: f64) -> Duration {
        self.bound(failures).mul_f64(jitter.clamp(0.0, 1.0))
    }

    /// Like [`wait`](Self::wait) with a draw of its own.
    pub fn random_wait(self, failures: u32) -> Duration {
        self.wait(failures, random_unit())
    }
}

/// A number from 0 to 1 that differs between processes and calls; for spreading waits, not for secrets.
fn random_unit() -> f64 {
    // The low bits of a version 4 UUID are random: no dependency of its own for one draw.
    let bits = u32::try_from(uuid::Uuid::new_v4().as_u128() & 0xffff_ffff).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_never_overflows() {
        let backoff = Backoff::RETRY;
        assert_eq!(backoff.bound(0), Duration::from_secs(2));
        assert_eq!(backoff.bound(3), Duration::from_secs(16));
        assert_eq!(backoff.bound(40), backoff.cap);
        assert_eq!(backoff.bound(u32::MAX), backoff.cap);
    }

    #[test]
    fn waits_spread_over_the_whole_bound() {
        let waits: Vec<_> = (0..200).map(|_| Backoff::RETRY.random_wait(4)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(32)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_secs(8)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_secs(24)));
    }
}
