//! The dead-letter archiver: what arrives in the broker's queue of dead letters, as it arrives.

use std::convert::Infallible;

use common::config::Config;
use common::store::Control;

use super::{Done, Duty, DutyError, Record, Work};
use crate::dead::{self, Drain};
use crate::feed::FeedError;

#[derive(Debug)]
pub(super) struct Archiving {
    drain: Drain,
}

impl Archiving {
    pub(super) fn new(config: &Config, control: &Control) -> Result<Self, FeedError> {
        Ok(Self { drain: Drain::new(config, control)? })
    }
}

impl Work for Archiving {
    const DUTY: Duty = Duty::Archiver;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut arriving = self.drain.open().await?;
        // Nothing may ever arrive; that the queue is listened to is what can be told.
        record.passed();
        loop {
            let archived = arriving.archive_next().await?;
            record.passed();
            tracing::info!(event = "letters.archived", letters = archived, "dead letters were archived");
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let archived = dead::drain(&self.drain).await?;
        Ok(Done(vec![("letters archived", i64::try_from(archived).unwrap_or(i64::MAX))]))
    }
}
