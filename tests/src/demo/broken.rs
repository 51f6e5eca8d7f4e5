//! One answer comes in a wrong shape: its job is dead-lettered, the simulator mended, the letter replayed.

use std::time::Duration;

use super::show::Show;
use super::stage::Stage;
use crate::harness::{Context as _, Result};
use crate::simulator::{Dialect, Endpoint, FaultId, FaultKind, FaultRule, SimulatorHandle};

const COMMAND: Duration = Duration::from_mins(1);

/// The broken answer, and what has become of it.
#[derive(Debug)]
pub(super) struct Broken {
    mall: String,
    fault: FaultId,
    replayed: bool,
}

impl Broken {
    /// Orders it for a mall that does not set the least time, if there is one.
    pub(super) fn order(sim: &SimulatorHandle) -> Result<Self> {
        let malls = sim.malls();
        let quick = malls.iter().find(|mall| mall.dialect == Dialect::Seed).or(malls.first());
        let mall = quick.context("no mall")?.mall_id.clone();
        let rule = FaultRule {
            mall: Some(mall.clone()),
            endpoint: Some(Endpoint::ProductsSales.into()),
            ..FaultRule::once(FaultKind::MissingWrapper)
        };
        let fault = sim.order(rule).context("order a fault")?;
        Ok(Self { mall, fault, replayed: false })
    }

    /// Whether the answer was given and its job still waits for somebody.
    pub(super) fn is_open(&self, sim: &SimulatorHandle) -> bool {
        !self.replayed && sim.fault(self.fault).is_some_and(|fault| fault.hits > 0)
    }

    /// Replays the letter as soon as it is archived.
    pub(super) async fn mend(&mut self, stage: &mut Stage, show: &Show) -> Result<()> {
        if !self.is_open(&stage.sim) || stage.books.letters().await?.open == 0 {
            return Ok(());
        }
        let replay = ["dead", "replay", "--mall", &self.mall, "--yes"];
        // While a server is away it fails; the next look tries again.
        self.replayed = stage.programs.cli(&replay, COMMAND).await?.code == Some(0);
        if self.replayed {
            show.note(&format!(
                "{}/products answered a wrong shape → 1 job dead-lettered → simulator mended → replayed",
                self.mall
            ));
        }
        Ok(())
    }
}
