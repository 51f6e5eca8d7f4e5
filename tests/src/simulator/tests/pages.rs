//! Pages: what a client meets that asks for them well, badly, or at a bad time.

use std::collections::BTreeSet;

use super::super::{Dialect, Endpoint, FaultKind, FaultRule, Granularity, MallSpec, SimulatorHandle, Size};
use super::live::{LIVE, ask_live, days};
use super::{DAY, day, start_with};

const STABLE: &str = "sort=product_no&order=asc";

fn start(spec: MallSpec) -> SimulatorHandle {
    let sim = start_with(super::SimConfig::default());
    sim.add_mall(MallSpec { dialect: Dialect::Live, ..spec }).unwrap();
    sim
}

fn large() -> SimulatorHandle {
    start(MallSpec { size: Size::Large, ..MallSpec::new(LIVE) })
}

fn page(sim: &SimulatorHandle, offset: u64, how: &str) -> Vec<u64> {
    let more = format!("{}&limit=1000&offset={offset}&{how}", days(DAY, DAY));
    let rows = ask_live(sim, "products/sales", &more).rows_under("sales");
    rows.iter().map(|row| row["product_no"].as_u64().unwrap()).collect()
}

fn all_pages(sim: &SimulatorHandle, how: &str) -> Vec<u64> {
    let mut rows = Vec::new();
    loop {
        let next = page(sim, rows.len() as u64, how);
        let full = next.len() == 1000;
        rows.extend(next);
        if !full {
            return rows;
        }
    }
}

#[test]
fn who_asks_for_a_stable_sort_gets_each_row_once_and_who_does_not_some_twice() {
    let sim = large();
    let truth = sim.truth(LIVE, 1, Endpoint::ProductsSales, Granularity::Day, day(DAY), day(DAY)).unwrap();
    assert!(truth.len() > 2_000);
    let rows = all_pages(&sim, STABLE);
    assert!(rows.len() == truth.len() && rows.is_sorted());
    let careless = all_pages(&sim, "sort=order_count");
    let distinct: BTreeSet<_> = careless.iter().collect();
    assert!(careless.len() == truth.len() && distinct.len() < truth.len());
}

#[test]
fn without_a_limit_there_are_a_hundred_rows_by_the_greatest_amount() {
    let sim = large();
    let rows = ask_live(&sim, "products/sales", &days(DAY, DAY)).rows_under("sales");
    let amounts: Vec<u64> =
        rows.iter().map(|row| row["order_amount"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(amounts.len(), 100);
    assert!(amounts.is_sorted_by(|a, b| a >= b) && amounts[0] > amounts[99]);
}

#[test]
fn a_page_can_be_exactly_full_and_the_last() {
    let sim = start(MallSpec { products_a_day: Some(2_000), ..MallSpec::new(LIVE) });
    let lengths: Vec<_> = [0, 1_000, 2_000].map(|offset| page(&sim, offset, STABLE).len()).into();
    assert_eq!(lengths, [1_000, 1_000, 0]);
}

#[test]
fn a_restatement_between_two_pages_moves_rows() {
    let sim = large();
    let before = page(&sim, 999, STABLE);
    sim.order(FaultRule::once(FaultKind::Restate)).unwrap();
    let first = page(&sim, 0, STABLE);
    assert_eq!(first.last(), before.first(), "the answer itself is of before");
    assert_ne!(page(&sim, 999, STABLE).first(), before.first());
    let endpoint = Endpoint::ProductsSales;
    assert_eq!(sim.serial(LIVE, endpoint, Granularity::Day, day(DAY)).unwrap(), 1);
    // No last page was asked for: nothing was served whole.
    assert!(sim.served(LIVE, 1, endpoint, Granularity::Day, day(DAY)).unwrap().is_empty());
    all_pages(&sim, STABLE);
    let served = sim.served(LIVE, 1, endpoint, Granularity::Day, day(DAY)).unwrap();
    assert_eq!(served.iter().map(|answer| answer.serial).collect::<Vec<_>>(), [1]);
}

#[test]
fn faults_can_be_aimed_at_later_pages() {
    let sim = large();
    let status = FaultKind::Status { code: 500, headers: [].into(), body: None, retry_after: None };
    let broken = sim.order(FaultRule { from_offset: Some(1_500), ..FaultRule::always(status) }).unwrap();
    let status = |offset: u64| {
        ask_live(&sim, "products/sales", &format!("{}&limit=1000&offset={offset}", days(DAY, DAY))).status
    };
    assert_eq!([0, 999, 1_998, 1_998].map(status), [200, 200, 500, 500]);
    sim.cancel_fault(broken);
    let repeat = FaultKind::EarlierPage { rows: 999 };
    sim.order(FaultRule { from_offset: Some(1), ..FaultRule::once(repeat) }).unwrap();
    let first = page(&sim, 0, STABLE);
    assert_eq!(page(&sim, 999, STABLE), first);
    assert_ne!(page(&sim, 999, STABLE), first);
}
