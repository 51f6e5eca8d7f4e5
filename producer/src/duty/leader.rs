//! Leading: taking the lock, having the duties, giving them up.

use std::sync::Arc;

use common::config::Config;
use common::domain::backoff::Backoff;
use common::store::{Control, Leadership};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Board;
use super::alerts::Alerting;
use super::archiver::Archiving;
use super::feeder::Feeding;
use super::pauses::Pausing;
use super::reconciler::Reconciling;
use super::scheduler::Scheduling;
use super::tally::Tallying;
use super::token_keeper::Keeping;
use super::work::{Work, keep_up};
use crate::feed::FeedError;
use crate::lock::{LOCK, instance};
use crate::tokens::Tokens;

/// Leads when it can.
#[derive(Debug)]
pub struct Leader {
    config: Config,
    control: Control,
    /// None for a command that leads only until its own jobs are done.
    daemon: Option<Daemon>,
}

/// What only the daemon has duties with.
#[derive(Debug)]
struct Daemon {
    tokens: Arc<Tokens>,
    board: Arc<Board>,
}

impl Leader {
    /// A daemon that stands by; `board` tells what it does.
    pub(crate) fn daemon(config: Config, control: Control, tokens: Arc<Tokens>, board: Arc<Board>) -> Self {
        Self { config, control, daemon: Some(Daemon { tokens, board }) }
    }

    /// A command that feeds until its own jobs are done, if no daemon does: it has no duty that can wait for one.
    pub(crate) fn command(config: Config, control: Control) -> Self {
        Self { config, control, daemon: None }
    }

    /// Leads whenever nobody else does, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), FeedError> {
        let instance = instance();
        let mut failures = 0;
        loop {
            let taken = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                taken = self.control.lead_when_free(LOCK, &instance) => taken,
            };
            match taken {
                Ok(leadership) => {
                    failures = 0;
                    tracing::info!(event = "leader.acquired", "leading: this process feeds the queues");
                    if let Err(error) = Box::pin(self.lead(leadership, &shutdown)).await {
                        tracing::warn!(
                            event = "leader.lost",
                            error = &error as &dyn std::error::Error,
                            "no longer leading"
                        );
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        event = "conn.lost",
                        error = &error as &dyn std::error::Error,
                        "Postgres is out of reach; trying again"
                    );
                    tokio::select! {
                        () = sleep(Backoff::RECONNECT.random_wait(failures)) => {}
                        () = shutdown.cancelled() => {}
                    }
                    failures += 1;
                }
            }
        }
    }

    /// Has the duties as long as the lock is held. All of them are polled here, in this one task and after the lock: what a
    /// process that was stopped finds first is that its lease is over.
    async fn lead(&self, mut leadership: Leadership, shutdown: &CancellationToken) -> Result<(), FeedError> {
        let (config, control) = (&self.config, &self.control);
        let feeder = Feeding::new(config, control)?;
        let reconciler = Reconciling::new(config, control, feeder.courier())?;
        let archiver = Archiving::new(config, control)?;
        let board = self.daemon.as_ref().map(|daemon| Arc::clone(&daemon.board)).unwrap_or_default();
        let _end = LayDown(&board);
        let daemon = self.daemon.as_ref();
        let token_keeper = daemon.map(|daemon| Keeping::new(Arc::clone(&daemon.tokens)));
        let alerts = daemon.map(|_| Alerting::new(config, control));
        let scheduler = daemon.map(|_| Scheduling::new(config, control));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            lost = leadership.hold() => return Err(FeedError::LeadershipLost(lost)),
            () = of_daemon(scheduler, &board) => {}
            never = keep_up(feeder, &board) => match never {},
            never = keep_up(reconciler, &board) => match never {},
            never = keep_up(archiver, &board) => match never {},
            () = of_daemon(token_keeper, &board) => {}
            never = keep_up(Pausing::new(control), &board) => match never {},
            () = of_daemon(alerts, &board) => {}
            never = keep_up(Tallying::new(control), &board) => match never {},
        }
        leadership.release().await?;
        Ok(())
    }
}

/// A duty that only the daemon has.
async fn of_daemon<W: Work>(work: Option<W>, board: &Arc<Board>) {
    match work {
        Some(work) => match keep_up(work, board).await {},
        None => std::future::pending().await,
    }
}

/// Whatever ends the leading, the board shows no duty after it.
struct LayDown<'a>(&'a Board);

impl Drop for LayDown<'_> {
    fn drop(&mut self) {
        self.0.laid_down();
    }
}
