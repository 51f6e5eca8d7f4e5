//! The scheduler, whenever something is due.

use std::convert::Infallible;
use std::time::Duration;

use common::clock::now;
use common::config::Config;
use common::store::Control;
use tokio::time::sleep;

use super::{Done, Duty, DutyError, Record, Work};
use crate::schedule::Scheduler;

/// How often the wall clock is looked at: it may jump, so nobody sleeps until a far time.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Scheduling {
    scheduler: Scheduler,
}

impl Scheduling {
    pub(super) fn new(config: &Config, control: &Control) -> Self {
        Self { scheduler: Scheduler::new(&config.schedule, control) }
    }
}

impl Work for Scheduling {
    const DUTY: Duty = Duty::Scheduler;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        loop {
            let more = self.scheduler.is_enabled() && self.scheduler.pass(now()).await?.more;
            record.passed();
            if !more {
                sleep(LOOK).await;
            }
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let (mut ticks, mut jobs) = (0, 0);
        while self.scheduler.is_enabled() {
            let passed = self.scheduler.pass(now()).await?;
            ticks += i64::try_from(passed.ticks).unwrap_or(i64::MAX);
            jobs += passed.jobs;
            // A new mall's week has made its history due.
            if !passed.more && passed.ticks == 0 {
                break;
            }
        }
        Ok(Done(vec![("due", ticks), ("jobs", jobs)]))
    }
}
