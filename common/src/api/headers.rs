//! What the headers say of the bucket, and when to come back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// No hint of the server keeps us away for longer (`docs/reliability.md` A1).
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// The four rate-limit headers. Absent, negative or garbage is `None`: unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// `X-RateLimit-Remaining`: tokens left in the bucket.
    pub remaining: Option<i64>,
    /// `X-RateLimit-Requested-Tokens`: tokens that this request took.
    pub requested: Option<i64>,
    /// `X-RateLimit-Burst-Capacity`: tokens in a full bucket.
    pub burst: Option<i64>,
    /// `X-RateLimit-Replenish-Rate`: tokens a second.
    pub replenish: Option<i64>,
}

impl RateHeaders {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| -> Option<i64> {
            let number = headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok()?;
            (number >= 0).then_some(number)
        };
        Self {
            remaining: number("X-RateLimit-Remaining"),
            requested: number("X-RateLimit-Requested-Tokens"),
            burst: number("X-RateLimit-Burst-Capacity"),
            replenish: number("X-RateLimit-Replenish-Rate"),
        }
    }
}

/// `Retry-After`: seconds, or an HTTP date against the answer's own `Date` (else against `now`).
///
/// At most [`RETRY_AFTER_MAX`]; a date that has passed is zero; garbage is `None`.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let until = http_date(text)?;
    let now = date(headers).unwrap_or(now);
    Some((until - now).to_std().unwrap_or(Duration::ZERO).min(RETRY_AFTER_MAX))
}

/// `Date`: the server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get(DATE)?.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = name.to_ascii_lowercase().parse::<reqwest::header::HeaderName>().expect("a name");
                (name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"))
            })
            .collect()
    }

    #[rstest]
    #[case::full("39", Some(39))]
    #[case::empty_bucket("0", Some(0))]
    #[case::blanks(" 7 ", Some(7))]
    #[case::limiter_failed("-1", None)]
    #[case::word("many", None)]
    #[case::fraction("3.5", None)]
    #[case::nothing("", None)]
    #[case::beyond_64_bits("99999999999999999999", None)]
    #[case::not_ascii("３９", None)]
    fn a02_a_remaining_that_is_no_count_is_unknown(#[case] value: &str, #[case] remaining: Option<i64>) {
        assert_eq!(RateHeaders::read(&headers(&[("X-RateLimit-Remaining", value)])).remaining, remaining);
    }

    #[test]
    fn the_four_headers_are_read_whatever_their_case() {
        let map = headers(&[
            ("x-ratelimit-remaining", "5"),
            ("X-RATELIMIT-REQUESTED-TOKENS", "1"),
            ("X-RateLimit-Burst-Capacity", "40"),
            ("X-RateLimit-Replenish-Rate", "2"),
        ]);
        let expected =
            RateHeaders { remaining: Some(5), requested: Some(1), burst: Some(40), replenish: Some(2) };
        assert_eq!(RateHeaders::read(&map), expected);
        assert_eq!(RateHeaders::read(&HeaderMap::new()), RateHeaders::default());
    }

    #[rstest]
    #[case::seconds("3", Some(3))]
    #[case::ten_years("315360000", Some(900))]
    #[case::beyond_64_bits("99999999999999999999999", Some(900))]
    #[case::date("Sun, 15 Feb 2026 12:00:30 GMT", Some(30))]
    #[case::past("Sun, 15 Feb 2026 11:00:00 GMT", Some(0))]
    #[case::far("Sun, 15 Feb 2037 11:00:00 GMT", Some(900))]
    #[case::garbage("soon", None)]
    #[case::negative("-3", None)]
    #[case::nothing("", None)]
    fn a01_retry_after_in_every_form(#[case] value: &str, #[case] seconds: Option<u64>) {
        let now = "2026-02-15T12:00:00Z".parse().expect("a time");
        let answer = retry_after(&headers(&[("Retry-After", value)]), now);
        assert_eq!(answer, seconds.map(Duration::from_secs));
    }

    #[test]
    fn a01_a_retry_date_is_measured_by_the_servers_own_clock() {
        let pairs =
            [("Retry-After", "Sun, 15 Feb 2026 12:00:30 GMT"), ("Date", "Sun, 15 Feb 2026 12:00:20 GMT")];
        let ours_is_wrong = "2020-01-01T00:00:00Z".parse().expect("a time");
        assert_eq!(retry_after(&headers(&pairs), ours_is_wrong), Some(Duration::from_secs(10)));
    }
}
