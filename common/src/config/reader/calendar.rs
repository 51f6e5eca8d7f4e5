//! Questions about days and times of the day.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::NaiveTime;

use super::Reader;
use crate::config::declare::Kind;
use crate::config::value::{parse_duration, show_duration};

/// What turns a setting off.
const OFF: &str = "off";
/// How a time of the day is written.
const CLOCK: &str = "%H:%M";

impl Reader {
    /// A time of the day, `06:30`.
    pub(in crate::config) fn clock(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: NaiveTime,
    ) -> NaiveTime {
        let show = |time: &NaiveTime| time.format(CLOCK).to_string();
        let parse = |text: &str| {
            let time = NaiveTime::parse_from_str(text, CLOCK).ok().filter(|_| text.len() == 5);
            time.ok_or_else(|| format!("not a time of the day; write \"{}\"", show(&default)))
        };
        self.value(key, doc, Kind::TEXT, default, parse, show)
    }

    /// A number of whole days within `range`, `3d`.
    pub(in crate::config) fn days(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> u32 {
        let (min, max) = (show_days(*range.start()), show_days(*range.end()));
        let rule = format!("{min} to {max}");
        let parse = |text: &str| match parse_days(text) {
            Some(days) if range.contains(&days) => Ok(days),
            Some(_) => Err(format!("out of range; use {rule}")),
            None => Err(format!("not whole days; write \"{}\" ({rule})", show_days(default))),
        };
        self.value(key, doc, Kind::Duration { min, max }, default, parse, |days| show_days(*days))
    }

    /// As [`days`](Self::days), or `off`, which is `None`. `doc` says the range, too.
    pub(in crate::config) fn days_or_off(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let parse = |text: &str| {
            let days = parse_days(text).filter(|days| range.contains(days));
            days.ok_or_else(|| {
                let (min, max) = (show_days(*range.start()), show_days(*range.end()));
                format!("write \"{}\" ({min} to {max}) or \"{OFF}\"", show_days(default))
            })
        };
        self.or_off(key, doc, default, parse, show_days)
    }

    /// A duration within `range`, or `off`, which is `None`. `doc` says the range, too.
    pub(in crate::config) fn duration_or_off(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let parse = |text: &str| {
            let duration = parse_duration(text).filter(|duration| range.contains(duration));
            duration.ok_or_else(|| {
                let (min, max) = (show_duration(*range.start()), show_duration(*range.end()));
                format!("write \"{}\" ({min} to {max}) or \"{OFF}\"", show_duration(default))
            })
        };
        self.or_off(key, doc, default, parse, show_duration)
    }

    fn or_off<T: Copy>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl Fn(T) -> String,
    ) -> Option<T> {
        let parse = |text: &str| if text == OFF { Ok(None) } else { parse(text).map(Some) };
        let show = |value: &Option<T>| value.map_or_else(|| OFF.to_owned(), &show);
        self.value(key, doc, Kind::TEXT, Some(default), parse, show)
    }
}

fn parse_days(text: &str) -> Option<u32> {
    let duration = parse_duration(text)?;
    let days = duration.as_secs() / 86_400;
    u32::try_from(days).ok().filter(|days| Duration::from_hours(24 * u64::from(*days)) == duration)
}

fn show_days(days: u32) -> String {
    format!("{days}d")
}
