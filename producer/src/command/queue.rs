//! `queue`: the lanes, and what the broker lost.

use super::context::Context;
use super::lanes;
use crate::cli::QueueCommand;
use crate::dead;
use crate::fault::{Exit, Fault};
use crate::feed;
use crate::output::json::Document;
use crate::output::text::{counted, number};

pub(super) async fn run(context: &Context, command: &QueueCommand) -> Result<Exit, Fault> {
    match command {
        QueueCommand::List => lanes::list(context).await,
        QueueCommand::Pause { lane, how } => lanes::pause(context, *lane, how).await,
        QueueCommand::Resume { lane, scope } => lanes::resume(context, *lane, scope).await,
        QueueCommand::Reconcile => reconcile(context).await,
    }
}

/// One round of what the daemon does every minute: plan lost jobs again, keep dead letters, feed.
async fn reconcile(context: &Context) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let now = "what was lost is planned again at the next round";
    let healed =
        feed::reconcile_once(&context.config, &control).await.map_err(|error| context.feed(error, now))?;
    let letters = dead::drain_once(&context.config, &control).await.map_err(|error| context.drain(error))?;
    let fed = feed::feed_once(&context.config, &control).await.map_err(|error| context.feed(error, now))?;
    if context.output.is_for_programs() {
        #[derive(serde::Serialize)]
        struct Answer {
            #[serde(flatten)]
            healed: common::store::Reconciled,
            letters: u64,
            fed: usize,
            leader_elsewhere: bool,
        }
        let answer = Answer { healed, letters, fed: fed.published, leader_elsewhere: fed.leader_elsewhere };
        context.output.document(&Document::new(answer, common::clock::now()))?;
        return Ok(Exit::Done);
    }
    let letters = healed.archived.saturating_add(letters);
    context.output.answer(&format!(
        "queued again  {} ({} lost with the broker, {} with a worker) · released {} · letters archived {} · fed {}",
        counted(healed.queued + healed.running, "job", "jobs"),
        number(healed.queued),
        number(healed.running),
        number(healed.released),
        letters,
        if fed.leader_elsewhere { "by the feeder that runs".to_owned() } else { fed.published.to_string() },
    ))?;
    Ok(Exit::Done)
}
