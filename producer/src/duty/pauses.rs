//! Pauses: their ends are kept, and the jobs follow.
//!
//! A pause of an endpoint of all malls is one row; parking the jobs behind it, and releasing them after it, is done here
//! in portions, when Postgres tells of a change and once at the start. A pause with a time to end ends here.

use std::convert::Infallible;
use std::time::Duration;

use common::store::{Channel, Control, StoreError};
use tokio::time::{MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};

/// How often to look for pauses whose time is over.
const DUE: Duration = Duration::from_secs(2);
/// How a change of an endpoint is told; a mall's own change has moved its jobs already.
const ALL_MALLS: &str = "*/";

#[derive(Debug)]
pub(super) struct Pausing {
    control: Control,
}

impl Pausing {
    pub(super) fn new(control: &Control) -> Self {
        Self { control: control.clone() }
    }

    /// Jobs follow the pauses: how many were parked, and released.
    async fn align(&self) -> Result<[i64; 2], StoreError> {
        let parked = self.control.park_paused().await?;
        let released = self.control.release_parked().await?;
        if parked + released > 0 {
            tracing::info!(event = "pauses.aligned", parked, released, "jobs follow the pauses");
        }
        Ok([parked, released])
    }

    /// Pauses end in time: how many did. A mall that took to another bucket goes on.
    async fn end(&self) -> Result<i64, StoreError> {
        let released = self.control.release_moved().await?;
        if released > 0 {
            tracing::info!(event = "pauses.aligned", released, "the buckets of malls are full");
        }
        let ended = self.control.end_due_pauses().await? + self.control.end_silent_probes().await?;
        if ended > 0 {
            tracing::info!(event = "pauses.ended", ended, "pauses ended by themselves");
        }
        Ok(ended)
    }
}

impl Work for Pausing {
    const DUTY: Duty = Duty::Pauses;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut told = self.control.listen(Channel::Connectors).await?;
        self.align().await?;
        let mut due = interval(DUE);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = told.next() => match changed? {
                    Some(changed) if !changed.starts_with(ALL_MALLS) => {}
                    // `None`: the session was made anew, something may have been missed.
                    _ => drop(self.align().await?),
                },
                _ = due.tick() => drop(self.end().await?),
            }
            record.passed();
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let ended = self.end().await?;
        let [parked, released] = self.align().await?;
        Ok(Done(vec![("pauses ended", ended), ("jobs parked", parked), ("jobs released", released)]))
    }
}
