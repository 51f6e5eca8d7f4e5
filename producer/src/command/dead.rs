//! `dead`: what failed for good, shown and planned again.

mod replay;

mod screen;

use common::clock::now;
use common::store::{Control, DeadLetter};

use super::context::Context;
use crate::cli::DeadCommand;
use crate::dead::drain_once;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, List, with_times};

pub(super) async fn run(context: &Context, command: DeadCommand) -> Result<Exit, Fault> {
    let control = context.database().await?;
    fetch_new(context, &control).await;
    match command {
        DeadCommand::List { limit } => list(context, &control, limit).await,
        DeadCommand::Show { id } => show(context, &control, &id).await,
        DeadCommand::Replay { id, dry_run, yes } => {
            let letter = find(context, &control, &id).await?;
            replay::run(context, &control, &letter, dry_run, yes).await
        }
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

async fn list(context: &Context, control: &Control, limit: u32) -> Result<Exit, Fault> {
    let letters = control.open_letters(i64::from(limit)).await.map_err(|error| context.store(error))?;
    let all = control.open_letter_count().await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items: Vec<_> = letters.iter().map(document).collect::<Result<_, _>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if output.plain {
        output.answer(&screen::plain(&letters))?;
    } else if letters.is_empty() {
        output.answer("no dead letters")?;
    } else {
        output.answer(&screen::list(&letters, all))?;
    }
    Ok(Exit::Done)
}

async fn show(context: &Context, control: &Control, id: &str) -> Result<Exit, Fault> {
    let letter = find(context, control, id).await?;
    if context.output.json {
        context.output.document(&Document::new(document(&letter)?, now()))?;
    } else {
        context.output.answer(&screen::show(&letter))?;
    }
    Ok(Exit::Done)
}

fn document(letter: &DeadLetter) -> Result<serde_json::Value, Fault> {
    with_times(letter, &[("died_at", Some(letter.died_at)), ("replayed_at", letter.replayed_at)])
}

async fn find(context: &Context, control: &Control, id: &str) -> Result<DeadLetter, Fault> {
    let prefix = id.trim().to_ascii_lowercase();
    let shown: String = id.chars().take(40).collect();
    if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Fault::UnknownLetter(shown));
    }
    let mut found = control.letters_by_prefix(&prefix).await.map_err(|error| context.store(error))?;
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(Fault::UnknownLetter(shown)),
        (Some(letter), true) => Ok(letter),
        (Some(_), false) => Err(Fault::AmbiguousLetter(shown)),
    }
}
