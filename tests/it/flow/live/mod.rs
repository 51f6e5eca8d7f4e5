//! Malls that speak as real ones do: beside seed malls with the same figures, page by page, and when something is wrong.

mod days;
mod further;
mod midway;
mod pages;
mod refused;
mod same;
mod today;
mod wishes;

use tests::harness::{Context as _, Result};
use tests::simulator::{Dialect, Endpoint, Granularity, MallSpec};

use super::{Flow, day, spec};

/// Rows of a page, and how many of them a page has in common with the one before.
const PAGE: usize = 1_000;
const OVERLAP: usize = 1;

/// A live mall of a hundred products a day.
fn live(mall: &str) -> MallSpec {
    MallSpec { dialect: Dialect::Live, ..spec(mall) }
}

/// A live mall with the figures of another one.
fn twin(mall: &str, of: &MallSpec) -> MallSpec {
    MallSpec {
        mall_id: mall.to_owned(),
        dialect: Dialect::Live,
        figures_of: Some(of.mall_id.clone()),
        ..of.clone()
    }
}

/// The fewest requests that show so many rows and that there are no more. So many as servers like to cut after may be
/// cut: one request more.
fn pages(rows: usize) -> u64 {
    if (50..PAGE).contains(&rows) && (rows.is_multiple_of(50) || rows.is_power_of_two()) {
        return 2;
    }
    let (mut begin, mut pages) = (0, 1);
    while rows.saturating_sub(begin) >= PAGE {
        begin += PAGE - OVERLAP;
        pages += 1;
    }
    pages
}

/// The fewest requests for these days of one endpoint of a live mall, each shop by itself.
fn least(flow: &Flow, mall: &MallSpec, endpoint: Endpoint, from: &str, to: &str) -> Result<u64> {
    let mut requests = 0;
    for shop in &mall.shops {
        let by_day = !endpoint.has_days();
        for date in day(from).iter_days().take_while(|date| *date <= day(to)).filter(|_| by_day) {
            let truth = flow.world.sim.truth(&mall.mall_id, *shop, endpoint, Granularity::Day, date, date);
            requests += pages(truth.context("truth")?.len());
        }
        requests += u64::from(!by_day);
    }
    Ok(requests)
}

#[test]
fn the_least_number_of_pages_counts_the_row_that_two_have_in_common() {
    let cases = [
        (0, 1),
        (32, 1),
        (50, 2),
        (64, 2),
        (900, 2),
        (999, 1),
        (1_000, 2),
        (1_998, 2),
        (1_999, 3),
        (2_000, 3),
        (2_997, 3),
        (2_998, 4),
    ];
    for (rows, requests) in cases {
        assert_eq!(pages(rows), requests, "{rows}");
    }
}
