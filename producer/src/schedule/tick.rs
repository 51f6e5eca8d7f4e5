//! When a schedule is due: pure arithmetic of Korean wall-clock times.
//!
//! A *beat* is a time that holds for all malls (06:30 each morning); a mall is *due* its offset later. Korea has no summer
//! time, so every day has every beat once.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use common::domain::calendar::{kst, kst_day};

/// Days that are looked through for a beat: a month has one of each.
const REACH: u64 = 32;

/// When a schedule beats, in KST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// Each day at this time.
    Daily(NaiveTime),
    /// Each day after so long (an hour or more), after twice so long, … At midnight it does not beat: of a day that has just
    /// begun there is nothing to fetch.
    Every(Duration),
    /// On this day (1–28) of each month, at this time.
    Monthly {
        /// The day.
        day: u32,
        /// The time.
        at: NaiveTime,
    },
}

impl Rhythm {
    /// The beats of a KST day, in order.
    fn on(self, day: NaiveDate) -> Vec<DateTime<Utc>> {
        match self {
            Self::Daily(at) => moment(day, at).into_iter().collect(),
            Self::Monthly { day: wanted, at } if day.day() == wanted => moment(day, at).into_iter().collect(),
            Self::Monthly { .. } => Vec::new(),
            Self::Every(interval) => {
                let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(60);
                let Some(midnight) = moment(day, NaiveTime::MIN) else { return Vec::new() };
                let times = (1..).map(|n| n * seconds).take_while(|seconds| *seconds < 86_400);
                times.map(|seconds| midnight + TimeDelta::seconds(seconds)).collect()
            }
        }
    }

    /// The last beat that is not after `at`.
    fn last(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = kst_day(at);
        let days = (0..REACH).filter_map(|back| today.checked_sub_days(Days::new(back)));
        days.flat_map(|day| self.on(day).into_iter().rev()).find(|beat| *beat <= at)
    }

    /// The first beat after `at`.
    fn next(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = kst_day(at);
        let days = (0..=REACH).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        days.flat_map(|day| self.on(day)).find(|beat| *beat > at)
    }
}

fn moment(day: NaiveDate, at: NaiveTime) -> Option<DateTime<Utc>> {
    day.and_time(at).and_local_timezone(kst()).single().map(|time| time.to_utc())
}

/// A mall's due times of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    /// The beats.
    pub rhythm: Rhythm,
    /// How long after them the mall is due.
    pub offset: TimeDelta,
}

/// What is to be done about a row whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is due.
    Due(Tick),
    /// Not yet; then.
    Wait(DateTime<Utc>),
}

/// A tick that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The newest beat that has passed for this mall: it stands for all that were missed.
    pub beat: DateTime<Utc>,
    /// When the mall was due for it.
    pub due: DateTime<Utc>,
    /// Days with a beat between the last tick and this one: the mornings that were missed.
    pub missed_days: u32,
    /// When it is due next.
    pub next: DateTime<Utc>,
}

impl Ticks {
    fn last_beat(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rhythm.last(now.checked_sub_signed(self.offset)?)
    }

    fn next_due(self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rhythm.next(after.checked_sub_signed(self.offset)?)?.checked_add_signed(self.offset)
    }

    /// The last time at which the mall was due, up to `now`.
    pub fn last_due(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.last_beat(now)?.checked_add_signed(self.offset)
    }

    /// What is to be done at `now` about a row whose time has come, and whose last tick was due at `last`.
    ///
    /// `anew`: the row has no due time that could be believed (the mall is new or sends again, settings have changed, the
    /// clock has); then a beat that was ticked already is not ticked again. `None`: no calendar has such a day.
    pub fn verdict(self, last: Option<DateTime<Utc>>, anew: bool, now: DateTime<Utc>) -> Option<Verdict> {
        let next = self.next_due(now)?;
        let Some(beat) = self.last_beat(now) else { return Some(Verdict::Wait(next)) };
        let due = beat.checked_add_signed(self.offset)?;
        if anew {
            match last {
                // What is new waits for its first beat.
                None => return Some(Verdict::Wait(next)),
                Some(last) if last >= due => {
                    // A last tick ahead of us: the clock went back. Its own beat is not ticked again, but a tick further
                    // ahead than the next one was made by a clock that was wrong, and is no reason to wait for it.
                    return Some(Verdict::Wait(if last <= next { self.next_due(last)? } else { next }));
                }
                Some(_) => {}
            }
        }
        Some(Verdict::Due(Tick { beat, due, missed_days: self.missed_days(last, beat), next }))
    }

    fn missed_days(self, last: Option<DateTime<Utc>>, beat: DateTime<Utc>) -> u32 {
        let Some(last) = last.and_then(|last| last.checked_sub_signed(self.offset)) else { return 0 };
        let days = (kst_day(beat) - kst_day(last)).num_days() - 1;
        u32::try_from(days.max(0)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
