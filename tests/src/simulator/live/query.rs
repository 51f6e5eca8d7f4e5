//! The parameters of a live request. What is not known is ignored.

use std::str::FromStr;

use axum::http::StatusCode;
use chrono::NaiveDate;

use super::super::clock::SimClock;
use super::super::config::SimConfig;
use super::super::endpoint::{Endpoint, Granularity};
use super::super::query::Asked;
use super::sort::Sort;

/// Which rows, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    pub(super) sort: Sort,
    pub(super) device: Device,
}

impl Page {
    /// The page that begins so many rows sooner.
    pub(crate) fn earlier_by(self, rows: u64) -> Self {
        Self { offset: self.offset.saturating_sub(rows), ..self }
    }
}

/// `device_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    Pc,
    Mobile,
    Total,
}

type Refusal = (StatusCode, String);

/// `Err` is the status of the refusal and its message.
pub(crate) fn read(
    endpoint: Endpoint,
    pairs: &[(String, String)],
    config: &SimConfig,
    clock: &SimClock,
) -> Result<(Asked, Page), Refusal> {
    let parameters = Parameters(pairs);
    let (from, to) = (parameters.day("start_date")?, parameters.day("end_date")?);
    if from > to {
        return Err(unprocessable("start_date must not be after end_date"));
    }
    if to > clock.today() {
        return Err(unprocessable("end_date must not lie in the future"));
    }
    if (to - from).num_days() >= i64::from(config.max_days_live) {
        let message = format!("the range must not be longer than {} days", config.max_days_live);
        return Err((StatusCode::BAD_REQUEST, message));
    }
    match parameters.optional("format_type")? {
        None | Some("day") => {}
        Some("hour") if endpoint.has_days() => {
            return Err(unprocessable("format_type hour is not simulated"));
        }
        Some(_) => return Err(unprocessable("format_type must be day or hour")),
    }
    let device = match parameters.optional("device_type")? {
        None | Some("total") => Device::Total,
        Some("pc") => Device::Pc,
        Some("mobile") => Device::Mobile,
        Some(_) => return Err(unprocessable("device_type must be pc, mobile or total")),
    };
    let limit = parameters.number("limit", 100)?;
    if !(50..=1000).contains(&limit) {
        return Err(unprocessable("limit must lie between 50 and 1000"));
    }
    let limit = config.page_max.map_or(limit, |most| limit.min(most));
    let offset = parameters.number("offset", 0)?;
    if offset >= config.max_offset {
        return Err(unprocessable(&format!("offset must be less than {}", config.max_offset)));
    }
    let sort = Sort::read(endpoint, parameters.optional("sort")?, parameters.optional("order")?)
        .map_err(|message| unprocessable(&message))?;
    let shop = parameters.number("shop_no", 1)?;
    let asked = Asked { from, to, granularity: Granularity::Day, shop };
    Ok((asked, Page { limit, offset, sort, device }))
}

struct Parameters<'a>(&'a [(String, String)]);

impl Parameters<'_> {
    fn optional(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
            (_, Some(_)) => Err(unprocessable(&format!("{name} is given twice"))),
        }
    }

    fn day(&self, name: &str) -> Result<NaiveDate, Refusal> {
        let text = self.optional(name)?.ok_or_else(|| unprocessable(&format!("{name} is required")))?;
        let strict = text.len() == 10 && text.starts_with("20");
        let day = text.parse().ok().filter(|_| strict);
        day.ok_or_else(|| unprocessable(&format!("{name} must be a day as YYYY-MM-DD")))
    }

    fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T, Refusal> {
        let Some(text) = self.optional(name)? else { return Ok(default) };
        text.parse().map_err(|_| unprocessable(&format!("{name} must be a number")))
    }
}

fn unprocessable(message: &str) -> Refusal {
    (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(endpoint: Endpoint, text: &str) -> Result<(Asked, Page), Refusal> {
        let clock = SimClock::default();
        clock.set_now("2026-02-16T03:00:00Z".parse().unwrap());
        let pairs: Vec<_> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        read(endpoint, &pairs, &SimConfig::default(), &clock)
    }

    #[test]
    fn without_a_word_it_is_the_first_hundred_rows_of_shop_1() {
        let days = "start_date=2026-02-16&end_date=2026-02-16&date_type=date&format=json";
        let (asked, page) = asked(Endpoint::ProductsSales, days).unwrap();
        assert_eq!((asked.shop, page.limit, page.offset), (1, 100, 0));
        assert_eq!(page.device, Device::Total);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let days = "start_date=2026-02-16&end_date=2026-02-16";
        for (more, status, reason) in [
            ("limit=49", 422, "between 50 and 1000"),
            ("limit=1001", 422, "between 50 and 1000"),
            ("offset=-1", 422, "offset must be a number"),
            ("offset=15000", 422, "less than 15000"),
            ("sort=sales", 422, "sort must be"),
            ("order=up", 422, "order must be"),
            ("device_type=tv", 422, "device_type must be"),
            ("format_type=week", 422, "format_type must be"),
            ("start_date=2026-02-15", 422, "twice"),
        ] {
            let refusal = asked(Endpoint::ProductsSales, &format!("{days}&{more}")).unwrap_err();
            assert!(refusal.0 == status && refusal.1.contains(reason), "{more}: {refusal:?}");
        }
        let missing = asked(Endpoint::VisitorsView, "start_date=2026-02-16").unwrap_err();
        assert_eq!((missing.0.as_u16(), missing.1.as_str()), (422, "end_date is required"));
        let long = asked(Endpoint::VisitorsView, "start_date=2025-02-15&end_date=2026-02-15").unwrap_err();
        assert_eq!(long.0.as_u16(), 400);
        assert!(asked(Endpoint::VisitorsView, "start_date=2025-02-16&end_date=2026-02-15").is_ok());
    }
}
