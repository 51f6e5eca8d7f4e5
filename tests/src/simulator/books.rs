//! The books in one's hand: what is true, what was answered, what was seen.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::endpoint::{Endpoint, Granularity};
use super::handle::SimulatorHandle;
use super::report::{MallReport, Report};
use super::served::Served;
use super::server::SimError;
use super::state::When;
use super::truth::{Question, TruthRow};

impl SimulatorHandle {
    /// Expected rows of all periods that `from..=to` touches, as of their present serials.
    pub fn truth(
        &self,
        mall: &str,
        shop: u32,
        endpoint: Endpoint,
        granularity: Granularity,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<TruthRow>, SimError> {
        let question = Question { mall: mall.to_owned(), shop, endpoint, granularity, from, to };
        self.shared.truth(&question, When::Now)
    }

    /// As [`Self::truth`], as of a moment, past or to come: what a request at that moment was or will be answered,
    /// if nobody restates the days by hand until then.
    #[expect(clippy::too_many_arguments, reason = "a question has as many parts")]
    pub fn truth_as_of(
        &self,
        mall: &str,
        shop: u32,
        endpoint: Endpoint,
        granularity: Granularity,
        from: NaiveDate,
        to: NaiveDate,
        at: DateTime<Utc>,
    ) -> Result<Vec<TruthRow>, SimError> {
        let question = Question { mall: mall.to_owned(), shop, endpoint, granularity, from, to };
        self.shared.truth(&question, When::At(at))
    }

    /// The moments at which a period changes by itself, in order; none unless days live
    /// ([`DayKind::Living`](super::DayKind)).
    pub fn changes(
        &self,
        mall: &str,
        shop: u32,
        endpoint: Endpoint,
        granularity: Granularity,
        day: NaiveDate,
    ) -> Result<Vec<DateTime<Utc>>, SimError> {
        self.shared.changes(mall, shop, (endpoint, granularity, granularity.start(day)))
    }

    /// The rows that one period had, has or will have after so many changes.
    pub fn truth_at(
        &self,
        mall: &str,
        shop: u32,
        endpoint: Endpoint,
        granularity: Granularity,
        period: NaiveDate,
        serial: u64,
    ) -> Result<Vec<TruthRow>, SimError> {
        let question =
            Question { mall: mall.to_owned(), shop, endpoint, granularity, from: period, to: period };
        self.shared.truth(&question, When::Serial(serial))
    }

    /// The last 32 whole answers given for one period, oldest first.
    pub fn served(
        &self,
        mall: &str,
        shop: u32,
        endpoint: Endpoint,
        granularity: Granularity,
        period: NaiveDate,
    ) -> Result<Vec<Served>, SimError> {
        let key = (granularity.start(period), shop, endpoint, granularity);
        self.shared.with_mall(mall, |mall| mall.served.of(&key))
    }

    /// What it saw, with the count of each chunk.
    pub fn report(&self) -> Report {
        self.shared.report(true)
    }

    /// What it saw of one mall, with the count of each chunk.
    pub fn mall_report(&self, mall: &str) -> Result<MallReport, SimError> {
        self.shared.with_mall(mall, |mall| self.shared.mall_report(&mall.seen, true))
    }

    /// How often exactly this chunk was asked for (shop 1).
    pub fn chunk_requests(
        &self,
        mall: &str,
        endpoint: Endpoint,
        granularity: Granularity,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<u64, SimError> {
        let key = (endpoint, granularity, 1, from, to);
        self.shared.with_mall(mall, |mall| mall.seen.chunks.get(&key).copied().unwrap_or(0))
    }

    /// The last arrivals (100,000 unless configured), counted from [`Self::origin`].
    pub fn arrivals(&self, mall: &str) -> Result<Vec<Duration>, SimError> {
        self.shared.with_mall(mall, |mall| mall.seen.arrivals.iter().copied().collect())
    }

    /// The present serial of the period that holds `day`.
    pub fn serial(
        &self,
        mall: &str,
        endpoint: Endpoint,
        granularity: Granularity,
        day: NaiveDate,
    ) -> Result<u64, SimError> {
        self.shared.serial(mall, (endpoint, granularity, granularity.start(day)))
    }
}
