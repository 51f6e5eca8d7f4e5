//! What all duties have in common: work until something fails, say so, wait, and go on.

use std::convert::Infallible;
use std::sync::Arc;

use common::domain::backoff::Backoff;
use common::store::StoreError;
use tokio::time::sleep;

use super::{Board, Duty};
use crate::dead::DrainError;
use crate::feed::FeedError;

/// What a duty does.
pub(super) trait Work: Send {
    /// Which one.
    const DUTY: Duty;

    /// Works until something fails, and tells `record` of each pass that went well.
    fn until_failure(
        &mut self,
        record: &Record,
    ) -> impl Future<Output = Result<Infallible, DutyError>> + Send;

    /// One pass over all there is to do now.
    fn once(&mut self) -> impl Future<Output = Result<Done, DutyError>> + Send;
}

/// Counts of one pass, in the order in which they are told: `planned again`, 3.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Done(pub(crate) Vec<(&'static str, i64)>);

/// What a pass failed of; the next one begins where this one did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DutyError {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A neighbour of the feeder's or the reconciler's.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A neighbour of the archiver's.
    #[error(transparent)]
    Drain(#[from] DrainError),
}

impl DutyError {
    /// Which server it was, for those who may not see whose data it was about.
    pub(super) fn server(&self) -> &'static str {
        match self {
            Self::Store(_)
            | Self::Feed(FeedError::Store(_) | FeedError::LeadershipLost(_))
            | Self::Drain(DrainError::Store(_) | DrainError::Feed(FeedError::Store(_))) => "Postgres",
            Self::Feed(FeedError::Limiter(_)) | Self::Drain(DrainError::Feed(FeedError::Limiter(_))) => {
                "Redis"
            }
            Self::Feed(FeedError::Broker(_) | FeedError::Refused { .. }) | Self::Drain(_) => "RabbitMQ",
        }
    }
}

/// Where a duty's passes are recorded.
#[derive(Debug)]
pub(super) struct Record {
    duty: Duty,
    board: Arc<Board>,
}

impl Record {
    pub(super) fn new(duty: Duty, board: &Arc<Board>) -> Self {
        Self { duty, board: Arc::clone(board) }
    }

    /// A pass went well.
    pub(super) fn passed(&self) {
        self.board.passed(self.duty);
    }
}

/// Has the duty for as long as it is polled.
pub(super) async fn keep_up<W: Work>(mut work: W, board: &Arc<Board>) -> Infallible {
    let record = Record::new(W::DUTY, board);
    board.took_up(W::DUTY);
    loop {
        let Err(error) = work.until_failure(&record).await;
        let failures = board.failed(W::DUTY, error.server());
        tracing::warn!(
            event = W::DUTY.failed(),
            duty = W::DUTY.name(),
            error = &error as &dyn std::error::Error,
            "the {} failed; trying again",
            W::DUTY.name()
        );
        sleep(Backoff::RECONNECT.random_wait(failures - 1)).await;
    }
}
