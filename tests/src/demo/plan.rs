//! What is asked for, and the least time it can take.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Days, NaiveDate, TimeDelta};

use super::args::Args;
use super::books::Books;
use crate::harness::{Programs, Result, Span};
use crate::simulator::SimulatorHandle;

const COMMAND: Duration = Duration::from_mins(2);
/// Endpoints that both dialects have.
const CORE: [&str; 4] = ["visitors", "pageviews", "products", "domains"];
/// Requests that a full bucket serves at once, as the programs use it (`docs/adr/0002`).
const BURST: u64 = 35;
const PER_SECOND: f64 = 2.0;

/// The wish, as jobs in the ledger.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) spans: Vec<Span>,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) slices: u64,
    /// Jobs of each mall. Each is one request: no live mall of the demo has a day of more than one page.
    pub(super) jobs: BTreeMap<String, u64>,
}

impl Plan {
    pub(super) async fn enqueue(
        args: &Args,
        sim: &SimulatorHandle,
        programs: &Programs,
        books: &mut Books,
    ) -> Result<Self> {
        let last = format!("{}d", args.days);
        let mut arguments = vec!["enqueue", "--all", "--last", &last, "--yes", "--json"];
        arguments.extend(CORE.iter().flat_map(|endpoint| ["--endpoint", endpoint]));
        programs.cli(&arguments, COMMAND).await?.success()?;
        let malls = sim.malls();
        // "Finished days" end yesterday in Korea.
        let today = (sim.clock().now() + TimeDelta::hours(9)).date_naive();
        let (from, to) = (today - Days::new(u64::from(args.days)), today - Days::new(1));
        let spans = malls.iter().map(|mall| Span::days(&mall.mall_id, from, to)).collect();
        let shops: usize = malls.iter().map(|mall| mall.shops.len()).sum();
        let slices = shops as u64 * 4 * u64::from(args.days);
        Ok(Self { spans, from, to, slices, jobs: books.jobs_by_mall().await? })
    }

    pub(super) fn jobs(&self) -> u64 {
        self.jobs.values().sum()
    }

    /// The malls with the most jobs.
    pub(super) fn slowest(&self, count: usize) -> Vec<String> {
        let mut malls: Vec<_> = self.jobs.iter().collect();
        malls.sort_by_key(|(mall, jobs)| (std::cmp::Reverse(**jobs), mall.as_str()));
        malls.into_iter().take(count).map(|(mall, _)| mall.clone()).collect()
    }

    /// As long as the plan has one request a job.
    pub(super) fn ideal(&self) -> f64 {
        ideal(self.jobs.values().copied())
    }

    /// What sets the least time, if it is the limit.
    pub(super) fn why(&self) -> Option<String> {
        let (mall, jobs) = self.jobs.iter().max_by_key(|(_, jobs)| **jobs)?;
        (*jobs > BURST).then(|| {
            format!(
                "the limit sets it, not these programs: {mall} needs {jobs} requests, {BURST} at once and then {PER_SECOND} a second"
            )
        })
    }
}

/// The least seconds for malls with so many requests each: what the bucket does not hold comes at its rate.
pub(super) fn ideal(requests: impl Iterator<Item = u64>) -> f64 {
    let late = requests.map(|requests| requests.saturating_sub(BURST)).max().unwrap_or(0);
    f64::from(u32::try_from(late).unwrap_or(u32::MAX)) / PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_mall_sets_the_least_time() {
        assert_eq!(ideal([35, 8, 124].into_iter()).to_bits(), 44.5f64.to_bits());
        assert_eq!(ideal([35].into_iter()).to_bits(), 0f64.to_bits());
    }
}
