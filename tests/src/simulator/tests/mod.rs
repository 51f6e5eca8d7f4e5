//! The simulator over its own socket.

mod books;
mod broken;
mod life;
mod live;
mod oauth;
mod pages;

use chrono::NaiveDate;

use super::client::{Got, get};
use super::{Endpoint, MallSpec, SimConfig, Simulator, SimulatorHandle};

pub(super) const MALL: &str = "hanbit-test";
/// A medium mall sells something on that day.
pub(super) const DAY: &str = "2026-02-11";

pub(super) fn start() -> SimulatorHandle {
    start_with(SimConfig::default())
}

pub(super) fn start_with(config: SimConfig) -> SimulatorHandle {
    let sim = SimConfig { malls: 2, extra_malls: vec![MallSpec::new(MALL)], ..config };
    let sim = Simulator::start(sim).unwrap();
    sim.clock().set_now("2026-02-16T03:00:00Z".parse().unwrap());
    sim
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn path(endpoint: Endpoint, query: &str) -> String {
    format!("/api/v1/malls/{MALL}/{endpoint}?{query}")
}

/// One day of one endpoint, with a good token.
pub(super) fn ask(sim: &SimulatorHandle, endpoint: Endpoint) -> Got {
    let token = sim.current_tokens(MALL).unwrap().access_token;
    let query = format!("startDate={DAY}&endDate={DAY}&dateType=day");
    get(sim.address(), &path(endpoint, &query), Some(&token))
}
