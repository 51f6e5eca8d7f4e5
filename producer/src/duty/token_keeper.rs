//! The token keeper: a pass over the pairs that are due, at an interval.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};
use crate::tokens::{Pass, Tokens};

#[derive(Debug)]
pub(super) struct Keeping {
    tokens: Arc<Tokens>,
    /// Where the next pass goes on.
    after: String,
}

impl Keeping {
    pub(super) fn new(tokens: Arc<Tokens>) -> Self {
        Self { tokens, after: String::new() }
    }
}

impl Work for Keeping {
    const DUTY: Duty = Duty::TokenKeeper;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        if self.tokens.keeper().is_none() {
            tracing::warn!("no master key: nobody keeps the malls' tokens alive");
            return std::future::pending().await;
        }
        let mut tick = interval(self.tokens.every());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            // Before the pairs that these replace are taken for the newest.
            self.tokens.take_up_spool().await;
            let Pass { renewed, dead, failed } = self.tokens.pass(&mut self.after).await?;
            record.passed();
            if renewed + dead + failed > 0 {
                tracing::info!(
                    event = "tokens.kept",
                    renewed,
                    dead,
                    failed,
                    "{renewed} pairs of tokens renewed because of their age"
                );
            }
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        self.tokens.take_up_spool().await;
        let all = self.tokens.all_due().await?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Done(vec![
            ("renewed", count(all.renewed)),
            ("to be connected again", count(all.dead)),
            ("failed", count(all.failed)),
        ]))
    }
}
