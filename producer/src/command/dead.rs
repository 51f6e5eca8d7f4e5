//! `dead`: what failed for good, listed, explained, planned again or put aside.

mod change;

mod export;

mod replay;

mod screen;

mod show;

mod which;

use common::clock::now;
use common::store::{Control, DeadLetter};

use super::context::Context;
use crate::cli::{DeadCommand, DeadListArgs};
use crate::dead::drain_once;
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};

pub(super) async fn run(context: &Context, command: DeadCommand) -> Result<Exit, Fault> {
    let control = context.database().await?;
    fetch_new(context, &control).await;
    match command {
        DeadCommand::List(args) if args.group => groups(context, &control, &args).await,
        DeadCommand::List(args) => list(context, &control, &args).await,
        DeadCommand::Show { id, body } => show::run(context, &control, &id, body).await,
        DeadCommand::Replay(args) => Box::pin(replay::run(context, &control, *args)).await,
        DeadCommand::Discard(args) => change::discard(context, &control, *args).await,
        DeadCommand::Purge(args) => change::purge(context, &control, *args).await,
        DeadCommand::Restore(args) => change::restore(context, &control, *args).await,
        DeadCommand::Export(args) => export::run(context, &control, *args).await,
    }
}

/// Moves what lies in the broker into the archive, so that the answer is whole also where no daemon runs.
async fn fetch_new(context: &Context, control: &Control) {
    if let Err(error) = drain_once(&context.config, control).await {
        let why = error.to_string();
        context.output.note(&format!(
            "! the broker's dead letters could not be asked for ({why}); shown is the archive"
        ));
    }
}

async fn list(context: &Context, control: &Control, args: &DeadListArgs) -> Result<Exit, Fault> {
    let mut filter = which::filter(context, control, &[], &args.filter).await?;
    filter.states.clone_from(&args.state.0);
    let after = match &args.after {
        Some(id) => Some(which::letter(context, control, id).await?.letter_id),
        None => None,
    };
    let limit = i64::from(args.limit);
    let mut letters =
        control.letters(&filter, after, limit + 1).await.map_err(|error| context.store(error))?;
    let more = letters.len() > usize::try_from(args.limit).unwrap_or(usize::MAX);
    if more {
        letters.pop();
    }
    let next = letters.last().filter(|_| more).map(|letter| letter.letter_id.to_string());
    let output = context.output;
    if output.json {
        let items: Vec<_> = letters.iter().map(document).collect::<Result<_, _>>()?;
        output.document(&List::new(items, next, now()))?;
    } else if letters.is_empty() && !output.plain {
        output.answer("no dead letters")?;
    } else {
        let only_open = filter.states == [common::store::LetterState::Open];
        let below = if more && !output.plain {
            let all = control.letter_summary(&filter).await.map_err(|error| context.store(error))?;
            screen::more(&letters, all.letters)
        } else {
            String::new()
        };
        output.list(&screen::list(&letters, only_open), &below)?;
    }
    Ok(Exit::Done)
}

async fn groups(context: &Context, control: &Control, args: &DeadListArgs) -> Result<Exit, Fault> {
    let mut filter = which::filter(context, control, &[], &args.filter).await?;
    filter.states.clone_from(&args.state.0);
    let groups =
        control.letter_groups(&filter, i64::from(args.limit)).await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items: Vec<_> = groups
            .iter()
            .map(|group| with_times(group, &[("first", Some(group.first)), ("last", Some(group.last))]))
            .collect::<Result<_, _>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if groups.is_empty() && !output.plain {
        output.answer("no dead letters")?;
    } else {
        output.list(&screen::groups(&groups), "")?;
    }
    Ok(Exit::Done)
}

/// A letter as documents have it.
fn document(letter: &DeadLetter) -> Result<serde_json::Value, Fault> {
    with_times(
        letter,
        &[
            ("died_at", Some(letter.died_at)),
            ("state_at", Some(letter.state_at)),
            ("replayed_at", letter.replayed_at),
        ],
    )
}
