//! What operators have set of the budgets, as the feeder last read it.

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock::now;
use common::domain::bucket::Reserve;
use common::domain::hours::Hours;
use common::domain::ids::LimiterKey;
use common::domain::lanes::{LaneTerms, MallLanes, Sent};
use common::store::{Control, StoreError};
use tokio::time::Instant;

/// A change takes effect within this time; asking at each commit would cost more than the rest of a pass.
const READ_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Settings {
    common: LaneTerms,
    malls: Vec<MallLanes>,
    reserves: BTreeMap<LimiterKey, Reserve>,
    read_at: Option<Instant>,
}

impl Settings {
    /// Backfills of most malls are sent within `hours`, or always.
    pub(super) fn new(hours: Option<Hours>) -> Self {
        let common = LaneTerms { hours, paused: Vec::new() };
        Self { common, malls: Vec::new(), reserves: BTreeMap::new(), read_at: None }
    }

    /// Reads them again if they are old.
    pub(super) async fn refresh(&mut self, control: &Control) -> Result<(), StoreError> {
        if self.read_at.is_some_and(|at| at.elapsed() < READ_EVERY) {
            return Ok(());
        }
        self.common.paused = control.lane_pauses().await?.into_iter().map(|pause| pause.lane).collect();
        self.malls = control.mall_lanes(false).await?;
        self.reserves = control.reserves().await?;
        self.read_at = Some(Instant::now());
        Ok(())
    }

    /// What is sent at this moment.
    pub(super) fn sent(&self) -> Sent {
        Sent::at(now(), &self.common, &self.malls)
    }

    /// The share that `key` leaves to others, if it has one of its own.
    pub(super) fn reserve(&self, key: &LimiterKey) -> Option<Reserve> {
        self.reserves.get(key).copied()
    }
}
