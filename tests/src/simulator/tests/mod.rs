//! The simulator over its own socket.

mod books;
mod broken;
mod oauth;

use chrono::NaiveDate;

use super::client::{Got, get};
use super::{Endpoint, MallSpec, SimConfig, Simulator, SimulatorHandle, Size};

pub(super) const MALL: &str = "hanbit-test";
/// A medium mall sells something on that day.
pub(super) const DAY: &str = "2026-02-11";

pub(super) fn start() -> SimulatorHandle {
    start_with(SimConfig::default())
}

pub(super) fn start_with(config: SimConfig) -> SimulatorHandle {
    let mall = MallSpec {
        mall_id: MALL.to_owned(),
        agency: "agency-1".to_owned(),
        size: Size::Medium,
        shops: vec![1],
        approved: true,
    };
    let sim = Simulator::start(SimConfig { malls: 2, extra_malls: vec![mall], ..config }).unwrap();
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
