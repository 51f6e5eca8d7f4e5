//! The endpoints, the three granularities, and the periods a range touches.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;

/// One endpoint. Both dialects have the specification's four; the others are live only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Endpoint {
    /// Unique visits.
    #[serde(rename = "visitors/view")]
    VisitorsView,
    /// Page views.
    #[serde(rename = "visitors/pageview")]
    VisitorsPageview,
    /// Orders and amounts by product.
    #[serde(rename = "products/sales")]
    ProductsSales,
    /// Visits by referring domain.
    #[serde(rename = "visitpaths/domains")]
    VisitpathsDomains,
    /// Distinct addresses.
    #[serde(rename = "visitors/unique")]
    VisitorsUnique,
    /// Visits by keyword.
    #[serde(rename = "visitpaths/keywords")]
    VisitpathsKeywords,
    /// Visits by advertising channel.
    #[serde(rename = "visitpaths/ads")]
    VisitpathsAds,
    /// Views and cart adds by product.
    #[serde(rename = "carts/action")]
    CartsAction,
}

impl Endpoint {
    /// The specification's four.
    pub const ALL: [Self; 4] =
        [Self::VisitorsView, Self::VisitorsPageview, Self::ProductsSales, Self::VisitpathsDomains];

    /// Those that only the live dialect has.
    pub const FURTHER: [Self; 4] =
        [Self::VisitorsUnique, Self::VisitpathsKeywords, Self::VisitpathsAds, Self::CartsAction];

    /// The path after `/api/v1/malls/{mall_id}/`, or, live, after the host.
    pub fn path(self) -> &'static str {
        match self {
            Self::VisitorsView => "visitors/view",
            Self::VisitorsPageview => "visitors/pageview",
            Self::ProductsSales => "products/sales",
            Self::VisitpathsDomains => "visitpaths/domains",
            Self::VisitorsUnique => "visitors/unique",
            Self::VisitpathsKeywords => "visitpaths/keywords",
            Self::VisitpathsAds => "visitpaths/ads",
            Self::CartsAction => "carts/action",
        }
    }

    /// The endpoint of that path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::FURTHER).find(|endpoint| endpoint.path() == path)
    }

    /// Whether the dialect has it.
    pub fn is_of(self, dialect: Dialect) -> bool {
        dialect == Dialect::Live || Self::ALL.contains(&self)
    }

    /// Whether a row is of a day, also in the live dialect; else that one answers sums of the range, without a date.
    pub fn has_days(self) -> bool {
        matches!(self, Self::VisitorsView | Self::VisitorsPageview | Self::VisitorsUnique)
    }

    /// What the marked figure of a row (`visitCount`, `pageviewCount`, `salesAmount` and their live namesakes; of
    /// `carts/action` the views) leaves when divided by [`Self::serial_base`]: the serial, as long as a period has
    /// changed less often than that.
    pub fn serial_mark(self, figure: u64) -> u64 {
        figure % self.serial_base()
    }

    /// 97 for counts, 100 for amounts (so that a first figure ends in 00, as prices do).
    pub fn serial_base(self) -> u64 {
        match self {
            Self::ProductsSales => 100,
            _ => 97,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// `dateType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// A row's date is the day.
    Day,
    /// A row's date is the Monday.
    Week,
    /// A row's date is the 1st.
    Month,
}

impl Granularity {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As the parameter spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The granularity of that parameter.
    pub fn from_param(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|granularity| granularity.as_str() == text)
    }

    /// First day of the period that holds `day`.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// First day of the period after the one that starts at `start`; `None` at the end of the calendar.
    pub fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.succ_opt(),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
        }
    }

    /// Starts of all periods with at least one day in `from..=to`.
    pub fn periods(self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        std::iter::successors(Some(self.start(from)), move |start| self.next(*start))
            .take_while(move |start| *start <= to)
    }

    /// The days of the period that starts at `start`.
    pub fn days(self, start: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let end = self.next(start);
        start.iter_days().take_while(move |day| end.is_none_or(|end| *day < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_starts_on_monday_and_a_month_on_the_first() {
        assert_eq!(Granularity::Week.start(day("2026-03-01")), day("2026-02-23"));
        assert_eq!(Granularity::Month.start(day("2026-02-28")), day("2026-02-01"));
    }

    #[test]
    fn a_range_touches_every_period_with_a_day_in_it() {
        let weeks: Vec<_> = Granularity::Week.periods(day("2026-02-15"), day("2026-02-16")).collect();
        assert_eq!(weeks, [day("2026-02-09"), day("2026-02-16")]);
        assert_eq!(Granularity::Day.periods(day("2026-02-27"), day("2026-03-02")).count(), 4);
        assert_eq!(Granularity::Month.days(day("2028-02-01")).count(), 29);
    }

    #[test]
    fn each_path_names_its_endpoint() {
        for endpoint in Endpoint::ALL.into_iter().chain(Endpoint::FURTHER) {
            assert_eq!(Endpoint::from_path(endpoint.path()), Some(endpoint));
            assert_eq!(endpoint.is_of(Dialect::Seed), Endpoint::ALL.contains(&endpoint));
            assert!(endpoint.is_of(Dialect::Live));
        }
        assert_eq!(Endpoint::from_path("visitors/hits"), None);
    }
}
