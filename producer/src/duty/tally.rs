//! The kept state of malls follows what was fetched. Nothing is wrong before it does, only slower to read.

use std::convert::Infallible;
use std::time::Duration;

use common::store::{Control, StoreError};
use tokio::time::{Instant, sleep};

use super::{Done, Duty, DutyError, Record, Work};

/// Between two passes; what changed meanwhile is read from its slices by whoever asks.
const REST: Duration = Duration::from_secs(2);
/// A pass is at most a tenth of the time, however much changes: Postgres is there for the figures.
const REST_A_PASS: u32 = 9;
/// A pass ends after this long, however fast series change meanwhile.
const PASS: Duration = Duration::from_secs(5);
/// Series folded in one transaction, some hundred milliseconds: nobody waits for it, but vacuum waits for old snapshots.
const AT_ONCE: i64 = 500;

#[derive(Debug)]
pub(super) struct Tallying {
    control: Control,
}

impl Tallying {
    pub(super) fn new(control: &Control) -> Self {
        Self { control: control.clone() }
    }

    /// Until nothing is left that has changed, another process is at it, or `most` is over.
    async fn fold(&self, most: Duration) -> Result<i64, StoreError> {
        let (began, mut all) = (Instant::now(), 0);
        loop {
            let folded = self.control.fold_series(AT_ONCE).await?;
            all += folded;
            if folded < AT_ONCE || began.elapsed() >= most {
                return Ok(all);
            }
        }
    }
}

impl Work for Tallying {
    const DUTY: Duty = Duty::Tally;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        loop {
            let began = Instant::now();
            self.fold(PASS).await?;
            record.passed();
            sleep(REST.max(began.elapsed() * REST_A_PASS)).await;
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        Ok(Done(vec![("series read anew", self.fold(Duration::MAX).await?)]))
    }
}
