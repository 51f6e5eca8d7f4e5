//! What holds for a mall: its own settings, else its agency's, else the configuration's.

use std::time::Duration;

use chrono::NaiveTime;
use common::config::ScheduleConfig;
use common::domain::schedule::Schedule;
use common::domain::settle::Settle;
use common::store::OwnSettings;

use super::tick::Rhythm;

/// The settings of one mall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// When the last days are fetched, KST.
    pub daily_at: NaiveTime,
    /// How many.
    pub lookback: u32,
    /// How often today is fetched; `None`: never.
    pub today_every: Option<Duration>,
    /// How many days are fetched once a month; `None`: none.
    pub sweep: Option<u32>,
    /// On which day of the month.
    pub sweep_day: u32,
    /// And when, KST.
    pub sweep_at: NaiveTime,
    /// When a day is final.
    pub settle: Settle,
}

impl Settings {
    /// `own` over `config`.
    pub fn of(config: &ScheduleConfig, own: &OwnSettings) -> Self {
        let unsigned = |value: i32| u32::try_from(value).unwrap_or(0);
        Self {
            daily_at: own.daily_at.unwrap_or(config.daily_at),
            lookback: own.lookback.map_or(config.lookback, unsigned),
            today_every: match own.today_minutes.map(unsigned) {
                None => config.today_every,
                Some(0) => None,
                Some(minutes) => Some(Duration::from_mins(u64::from(minutes))),
            },
            sweep: match own.sweep.map(unsigned) {
                None => config.sweep,
                Some(0) => None,
                Some(days) => Some(days),
            },
            sweep_day: config.sweep_day,
            sweep_at: config.sweep_at,
            settle: config.settle,
        }
    }

    /// When a schedule beats; `None`: it is off, or has no beats.
    ///
    /// A morning before yesterday is final waits until it is.
    pub fn rhythm(&self, schedule: Schedule) -> Option<Rhythm> {
        match schedule {
            Schedule::Window => Some(Rhythm::Daily(self.daily_at.max(self.settle.after_midnight()))),
            Schedule::Today => self.today_every.map(Rhythm::Every),
            Schedule::Sweep => self.sweep.map(|_| Rhythm::Monthly { day: self.sweep_day, at: self.sweep_at }),
            Schedule::Gaps => Some(Rhythm::Every(Duration::from_hours(1))),
            Schedule::Onboarding => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::schedule) fn config(toml: &str) -> ScheduleConfig {
        common::config::Config::from_parts(&format!("[schedule]\n{toml}"), std::iter::empty())
            .expect("valid")
            .schedule
    }

    fn clock(text: &str) -> NaiveTime {
        text.parse().expect("a time")
    }

    #[test]
    fn what_is_not_said_is_the_configurations() {
        let config = config("lookback = '5d'");
        let own = OwnSettings {
            daily_at: Some(clock("07:15:00")),
            today_minutes: Some(0),
            ..OwnSettings::default()
        };
        let settings = Settings::of(&config, &own);
        assert_eq!((settings.daily_at, settings.lookback), (clock("07:15:00"), 5));
        assert_eq!((settings.today_every, settings.sweep), (None, Some(31)));
        assert_eq!(settings.rhythm(Schedule::Today), None);
        let own = OwnSettings {
            lookback: Some(7),
            today_minutes: Some(90),
            sweep: Some(0),
            ..OwnSettings::default()
        };
        let settings = Settings::of(&config, &own);
        assert_eq!((settings.lookback, settings.today_every), (7, Some(Duration::from_mins(90))));
        assert_eq!(settings.rhythm(Schedule::Sweep), None);
    }

    #[test]
    fn no_morning_is_before_yesterday_has_settled() {
        let early = Settings::of(&config("daily_at = '01:00'"), &OwnSettings::default());
        assert_eq!(early.rhythm(Schedule::Window), Some(Rhythm::Daily(clock("02:00:00"))));
        let at_once = Settings::of(&config("daily_at = '00:10'\nsettle = '0s'"), &OwnSettings::default());
        assert_eq!(at_once.rhythm(Schedule::Window), Some(Rhythm::Daily(clock("00:10:00"))));
    }
}
