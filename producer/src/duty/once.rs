//! Each duty once, for a person or for cron.

use std::sync::Arc;

use common::config::Config;
use common::store::Control;

use super::alerts::Alerting;
use super::archiver::Archiving;
use super::feeder::Feeding;
use super::pauses::Pausing;
use super::reconciler::Reconciling;
use super::scheduler::Scheduling;
use super::tally::Tallying;
use super::token_keeper::Keeping;
use super::work::{Done, Work};
use super::{Duty, DutyError};
use crate::feed::courier;
use crate::lock::{LOCK, instance};
use crate::tokens::Tokens;

/// How a duty ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// What it did.
    Done(Done),
    /// The process that leads does it.
    Elsewhere,
    /// It could not be done to its end.
    Failed(DutyError),
}

/// Does each of `duties` once, in order. Leads meanwhile if nobody does; beside a leader, what may be done beside one.
pub(crate) async fn once(
    config: &Config,
    control: &Control,
    tokens: &Arc<Tokens>,
    duties: &[Duty],
) -> Result<Vec<(Duty, Ended)>, DutyError> {
    let mut leadership = control.try_lead(LOCK, &instance()).await?;
    let mut ended = Vec::with_capacity(duties.len());
    for &duty in duties {
        let end = match &mut leadership {
            None if duty.is_the_leaders() => Ended::Elsewhere,
            None => of(duty, config, control, tokens).await,
            Some(leadership) => tokio::select! {
                biased;
                lost = leadership.hold() => return Err(lost.into()),
                end = of(duty, config, control, tokens) => end,
            },
        };
        ended.push((duty, end));
    }
    if let Some(leadership) = leadership {
        leadership.release().await?;
    }
    Ok(ended)
}

async fn of(duty: Duty, config: &Config, control: &Control, tokens: &Arc<Tokens>) -> Ended {
    let done = async {
        match duty {
            Duty::Scheduler => Scheduling::new(config, control).once().await,
            Duty::Feeder => Feeding::new(config, control)?.once().await,
            Duty::Reconciler => Reconciling::new(config, control, courier(config, control)?)?.once().await,
            Duty::Archiver => Archiving::new(config, control)?.once().await,
            Duty::TokenKeeper => Keeping::new(Arc::clone(tokens)).once().await,
            Duty::Pauses => Pausing::new(control).once().await,
            Duty::Alerts => Alerting::new(config, control).once().await,
            Duty::Tally => Tallying::new(control).once().await,
        }
    };
    match Box::pin(done).await {
        Ok(done) => Ended::Done(done),
        Err(error) => Ended::Failed(error),
    }
}
