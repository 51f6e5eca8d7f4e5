//! The clock for token lifetimes and "today": the machine's, moved by a settable offset.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// Korea has no summer time.
const KST_SECONDS_EAST: i32 = 9 * 3600;

/// A clock that runs at the usual speed from whatever moment it is set to.
#[derive(Debug, Default)]
pub struct SimClock {
    offset: Mutex<TimeDelta>,
}

impl SimClock {
    /// The simulated moment.
    pub fn now(&self) -> DateTime<Utc> {
        let real = DateTime::<Utc>::from(SystemTime::now());
        real.checked_add_signed(self.offset()).unwrap_or(real)
    }

    /// The simulated calendar day in Korea.
    pub fn today(&self) -> NaiveDate {
        kst(self.now()).date_naive()
    }

    /// Makes `moment` the present.
    pub fn set_now(&self, moment: DateTime<Utc>) {
        let real = DateTime::<Utc>::from(SystemTime::now());
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = moment - real;
    }

    /// Moves the present forward, or back when `by` is negative.
    pub fn advance(&self, by: TimeDelta) {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        *offset = offset.checked_add(&by).unwrap_or(*offset);
    }

    fn offset(&self) -> TimeDelta {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same moment on a Korean wall clock.
pub(crate) fn kst(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(KST_SECONDS_EAST) {
        Some(zone) => moment.with_timezone(&zone),
        None => moment.fixed_offset(),
    }
}

/// How the token answer writes a moment: Korean wall clock, milliseconds, no zone.
pub(crate) fn zoneless_kst(moment: DateTime<Utc>) -> String {
    kst(moment).format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_evening_is_the_next_day_in_korea() {
        let clock = SimClock::default();
        clock.set_now("2026-02-15T15:30:00Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2026-02-16");
    }

    #[test]
    fn token_times_carry_no_zone_and_three_decimals() {
        let moment = "2026-02-16T05:00:00Z".parse().unwrap();
        assert_eq!(zoneless_kst(moment), "2026-02-16T14:00:00.000");
    }

    #[test]
    fn advancing_moves_the_present() {
        let clock = SimClock::default();
        let before = clock.now();
        clock.advance(TimeDelta::hours(3));
        assert!(clock.now() - before >= TimeDelta::hours(3));
    }
}
