//! Pauses: their ends are kept, and the jobs follow.
//!
//! A pause of an endpoint of all malls is one row; parking the jobs behind it, and releasing them after it, is done here
//! in portions, when Postgres tells of a change and once at the start. A pause with a time to end ends here.

use std::time::Duration;

use common::domain::backoff::Backoff;
use common::store::{Channel, Control, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often to look for pauses whose time is over.
const DUE: Duration = Duration::from_secs(2);
/// How a change of an endpoint is told; a mall's own change has moved its jobs already.
const ALL_MALLS: &str = "*/";

/// Keeps pauses for as long as it is run.
#[derive(Debug)]
pub(super) struct Pauses {
    control: Control,
}

impl Pauses {
    pub(super) fn new(control: &Control) -> Self {
        Self { control: control.clone() }
    }

    pub(super) async fn run(&self) {
        let mut failures = 0;
        loop {
            let Err(error) = self.until_failure(&mut failures).await;
            tracing::warn!(
                event = "pauses.failed",
                error = &error as &dyn std::error::Error,
                "keeping pauses failed; trying again"
            );
            sleep(Backoff::RECONNECT.random_wait(failures)).await;
            failures += 1;
        }
    }

    async fn until_failure(&self, failures: &mut u32) -> Result<std::convert::Infallible, StoreError> {
        let mut told = self.control.listen(Channel::Connectors).await?;
        self.align().await?;
        let mut due = interval(DUE);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = told.next() => match changed? {
                    Some(changed) if !changed.starts_with(ALL_MALLS) => {}
                    // `None`: the session was made anew, something may have been missed.
                    _ => self.align().await?,
                },
                _ = due.tick() => {
                    let ended = self.control.end_due_pauses().await? + self.control.end_silent_probes().await?;
                    if ended > 0 {
                        tracing::info!(event = "pauses.ended", ended, "pauses ended by themselves");
                    }
                }
            }
            *failures = 0;
        }
    }

    async fn align(&self) -> Result<(), StoreError> {
        let parked = self.control.park_paused().await?;
        let released = self.control.release_parked().await?;
        if parked + released > 0 {
            tracing::info!(event = "pauses.aligned", parked, released, "jobs follow the pauses");
        }
        Ok(())
    }
}
