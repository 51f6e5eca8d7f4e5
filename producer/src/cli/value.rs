//! Values of arguments that several commands take.

use std::time::Duration;

use chrono::TimeDelta;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::domain::endpoint::Endpoint;
use common::domain::ids::ShopNo;

/// An endpoint; help and completions list those of the table.
pub(super) fn endpoint() -> impl TypedValueParser<Value = Endpoint> {
    PossibleValuesParser::new(Endpoint::all().map(Endpoint::as_str)).try_map(|name| name.parse::<Endpoint>())
}

/// A shop's number.
pub(super) fn parse_shop(text: &str) -> Result<ShopNo, String> {
    let number: i32 = text.parse().map_err(|_| "a shop is a number from 1".to_owned())?;
    ShopNo::try_from(number).map_err(|error| error.to_string())
}

/// How long something is waited for: `30s`, `10m`, `2h`, `1d`.
pub(super) fn parse_wait(text: &str) -> Result<Duration, String> {
    let (value, unit) = number_and_unit(text);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 0,
    };
    match value.parse::<u64>() {
        Ok(value @ 1..=1_000_000) if seconds > 0 => Ok(Duration::from_secs(value * seconds)),
        _ => Err("not a duration; write 30s, 10m or 2h".to_owned()),
    }
}

/// A span of time: `30m`, `2h`, `3d`.
pub(super) fn span(text: &str) -> Option<TimeDelta> {
    let (value, unit) = number_and_unit(text);
    let value: i64 = value.parse().ok()?;
    match unit {
        "m" => TimeDelta::try_minutes(value),
        "h" => TimeDelta::try_hours(value),
        "d" => TimeDelta::try_days(value),
        _ => None,
    }
}

/// `10m` is `10` and `m`.
fn number_and_unit(text: &str) -> (&str, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text.split_at(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_takes_a_duration() {
        assert_eq!(parse_wait("10m"), Ok(Duration::from_mins(10)));
        assert!(parse_wait("10").is_err() && parse_wait("m").is_err() && parse_wait("0s").is_err());
    }

    #[test]
    fn shops_are_numbered_from_one() {
        assert!(parse_shop("2").is_ok() && parse_shop("0").is_err() && parse_shop("x").is_err());
    }
}
