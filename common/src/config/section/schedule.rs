//! `[schedule]`

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Timelike, Utc};

use crate::config::reader::Reader;
use crate::config::value::show_duration;
use crate::domain::calendar::kst_day;
use crate::domain::schedule::Schedule;
use crate::domain::settle::Settle;

/// What the daemon fetches by itself, and when. Agencies and malls may have settings of their own.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleConfig {
    /// `enabled`.
    pub enabled: bool,
    /// `daily_at`, KST.
    pub daily_at: NaiveTime,
    /// `lookback`, in days.
    pub lookback: u32,
    /// `today_every`; `None`: off.
    pub today_every: Option<Duration>,
    /// `sweep`, in days; `None`: off.
    pub sweep: Option<u32>,
    /// `sweep_day` of the month.
    pub sweep_day: u32,
    /// `sweep_at`, KST.
    pub sweep_at: NaiveTime,
    /// `onboarding`, in days.
    pub onboarding: u32,
    /// `settle`.
    pub settle: Settle,
    /// `deadline`, KST.
    pub deadline: NaiveTime,
}

impl ScheduleConfig {
    /// Bounds of `lookback`, in days.
    pub const LOOKBACK: RangeInclusive<u32> = 1..=31;
    /// Bounds of `today_every`.
    pub const TODAY_EVERY: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(12);
    /// Bounds of `sweep`, in days.
    pub const SWEEP: RangeInclusive<u32> = 2..=366;
    /// Bounds of `onboarding`, in days.
    pub const ONBOARDING: RangeInclusive<u32> = 1..=3_650;

    /// The first day that is wanted of a mall that comes at `now`; `None`: nothing is wanted by itself.
    pub fn first_wanted(&self, now: DateTime<Utc>) -> Option<NaiveDate> {
        self.enabled.then(|| kst_day(now) - Days::new(u64::from(self.onboarding)))
    }

    #[expect(clippy::expect_used, reason = "constants, and a test reads them")]
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let clock = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).expect("a valid constant");
        let hours = Duration::from_hours;
        r.section("schedule", "what the daemon fetches by itself; all times are KST");
        let schedule = Self {
            enabled: r.flag("schedule.enabled", "without it only people enqueue", true),
            daily_at: r.clock(
                "schedule.daily_at",
                "when the last days are fetched again, or for the first time",
                clock(6, 30),
            ),
            lookback: r.days("schedule.lookback", "how many finished days that are", 3, Self::LOOKBACK),
            today_every: r.duration_or_off(
                "schedule.today_every",
                "how often today is fetched as partial (1h to 12h, or off)",
                hours(2),
                Self::TODAY_EVERY,
            ),
            sweep: r.days_or_off(
                "schedule.sweep",
                "how many finished days are fetched again once a month, as backfill (2d to 366d, or off)",
                31,
                Self::SWEEP,
            ),
            sweep_day: r.number("schedule.sweep_day", "on which day of the month", 1, 1..=28),
            sweep_at: r.clock(
                "schedule.sweep_at",
                "and when; what was fetched since midnight is left out",
                clock(8, 0),
            ),
            onboarding: r.days(
                "schedule.onboarding",
                "how far back a new mall is wanted",
                365,
                Self::ONBOARDING,
            ),
            settle: Settle::new(r.duration(
                "schedule.settle",
                "how long after its end a day is not final",
                hours(2),
                Duration::ZERO..=hours(24),
            )),
            deadline: r.clock(
                "schedule.deadline",
                "by when a mall must be complete through yesterday",
                clock(9, 0),
            ),
        };
        schedule.look_at_deadline(r);
        schedule
    }

    /// A deadline that yesterday cannot be fetched by makes every mall late every day.
    fn look_at_deadline(&self, r: &mut Reader) {
        if let Some(why) = self.misses_deadline(self.daily_at, "schedule.daily_at") {
            r.warn(format!("schedule.deadline: {why} → set schedule.deadline well after that"));
        }
    }

    /// Why malls whose last days are fetched at `daily_at` (KST) are late every day; `None`: they keep the deadline.
    /// `setting`: the name of what says when.
    pub fn misses_deadline(&self, daily_at: NaiveTime, setting: &str) -> Option<String> {
        let seconds = |time: NaiveTime| u64::from(time.num_seconds_from_midnight());
        let start = daily_at.max(self.settle.after_midnight());
        let last = Duration::from_secs(seconds(start)) + Schedule::WINDOW_SPREAD;
        if !self.enabled || last.as_secs() < seconds(self.deadline) {
            return None;
        }
        let (start, deadline) = (start.format("%H:%M"), self.deadline.format("%H:%M"));
        let why = if daily_at < self.settle.after_midnight() {
            format!("yesterday is not final before {start} (schedule.settle)")
        } else {
            format!("yesterday is fetched from {start} on ({setting})")
        };
        let spread = show_duration(Schedule::WINDOW_SPREAD);
        Some(format!(
            "{why}, all malls within {spread}, but every mall has to be complete by {deadline}: malls are late every day"
        ))
    }
}
