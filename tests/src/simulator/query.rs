//! The parameters of a data request, read strictly.

use chrono::NaiveDate;

use super::clock::SimClock;
use super::config::SimConfig;
use super::endpoint::Granularity;

/// What a request asks for, apart from mall and endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    pub(crate) granularity: Granularity,
    pub(crate) shop: u32,
}

/// `Err` is the message of the 400.
pub(crate) fn read(
    pairs: &[(String, String)],
    config: &SimConfig,
    clock: &SimClock,
) -> Result<Asked, String> {
    let from = day(pairs, "startDate")?;
    let to = day(pairs, "endDate")?;
    let date_type = one(pairs, "dateType")?;
    let granularity = Granularity::from_param(date_type)
        .ok_or_else(|| format!("dateType must be day, week or month, not {date_type}"))?;
    // Not in the specification: there, each mall has one shop.
    let shop = match pairs.iter().find(|(name, _)| name == "shop_no") {
        None => 1,
        Some((_, text)) => text.parse().map_err(|_| "shop_no must be a number".to_owned())?,
    };
    if from > to {
        return Err("startDate must not be after endDate".to_owned());
    }
    if to > clock.today() {
        return Err("endDate must not lie in the future".to_owned());
    }
    let most = match granularity {
        Granularity::Day => config.max_days,
        Granularity::Week | Granularity::Month => config.max_days_long,
    };
    if (to - from).num_days() >= i64::from(most) {
        return Err(format!("the range must not be longer than {most} days"));
    }
    Ok(Asked { from, to, granularity, shop })
}

fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Result<&'a str, String> {
    let mut found = pairs.iter().filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        (None, _) => Err(format!("{name} is required")),
        (Some(_), Some(_)) => Err(format!("{name} is given twice")),
    }
}

fn day(pairs: &[(String, String)], name: &str) -> Result<NaiveDate, String> {
    let text = one(pairs, name)?;
    let strict = text.len() == 10 && text.starts_with("20");
    text.parse().ok().filter(|_| strict).ok_or_else(|| format!("{name} must be a day as YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<Asked, String> {
        let clock = SimClock::default();
        clock.set_now("2026-02-16T03:00:00Z".parse().unwrap());
        let pairs: Vec<_> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        read(&pairs, &SimConfig::default(), &clock)
    }

    #[test]
    fn a_plain_range_is_read() {
        let asked = asked("startDate=2026-02-01&endDate=2026-02-16&dateType=week").unwrap();
        assert_eq!(asked.granularity, Granularity::Week);
        assert_eq!(asked.to.to_string(), "2026-02-16");
        assert_eq!(asked.shop, 1);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        for (text, reason) in [
            ("endDate=2026-02-16&dateType=day", "startDate is required"),
            ("startDate=2026-2-1&endDate=2026-02-16&dateType=day", "startDate must be a day"),
            ("startDate=2026-02-30&endDate=2026-02-16&dateType=day", "startDate must be a day"),
            ("startDate=2026-02-16&endDate=2026-02-15&dateType=day", "after endDate"),
            ("startDate=2026-02-16&endDate=2026-02-17&dateType=day", "future"),
            ("startDate=2026-01-16&endDate=2026-02-16&dateType=day", "longer than 31 days"),
            ("startDate=2026-02-16&endDate=2026-02-16&dateType=hour", "dateType must be"),
            ("startDate=2026-02-16&startDate=2026-02-15&endDate=2026-02-16&dateType=day", "twice"),
        ] {
            let message = asked(text).unwrap_err();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }

    #[test]
    fn thirty_one_days_are_allowed() {
        assert!(asked("startDate=2026-01-17&endDate=2026-02-16&dateType=day").is_ok());
    }
}
