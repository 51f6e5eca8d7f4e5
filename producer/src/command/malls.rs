//! `malls`: import, list, show, set, pause, resume, purposes, remove.

mod differences;

mod file;

mod import;

mod list;

mod pause;

mod purposes;

mod set;

mod show;

use common::domain::ids::MallId;

use super::agree::{Ask, Question};
use super::context::Context;
use super::disconnect::end;
use super::enqueue::unknown_mall;
use crate::cli::MallsCommand;
use crate::connect::After;
use crate::fault::{Exit, Fault};

pub(super) async fn run(context: &Context, command: MallsCommand) -> Result<Exit, Fault> {
    match command {
        MallsCommand::Import { file, dry_run } => import::run(context, &file, dry_run).await,
        MallsCommand::List { limit, after } => list::run(context, limit, after.as_ref()).await,
        MallsCommand::Show { mall } => show::run(context, &mall).await,
        MallsCommand::Set(args) => Box::pin(set::run(context, &args)).await,
        MallsCommand::Pause(args) => pause::pause(context, &args).await,
        MallsCommand::Resume(args) => pause::resume(context, &args).await,
        MallsCommand::Purposes(args) => purposes::run(context, &args).await,
        MallsCommand::Remove { mall, yes, force } => Box::pin(remove(context, &mall, yes, force)).await,
    }
}

/// Cannot be taken back by us: the mall's operator would have to consent again. So its id has to be typed.
async fn remove(context: &Context, mall: &MallId, yes: bool, force: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    if known.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let plan = format!(
        "{mall}: its tokens are revoked at Cafe24 and erased, its queued jobs are dropped, its figures stay"
    );
    if !yes {
        let ask = Ask {
            plan: &plan,
            why: "a removed mall must be authorised again to come back".to_owned(),
            with: &["--yes"],
            question: Question::Typed(mall.to_string()),
            declined: "nothing was removed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    end(context, control, mall, force, After::Remove).await?;
    say(context, mall, "removed", &format!("{mall}: removed; its queued jobs are dropped"))
}

fn say(context: &Context, mall: &MallId, state: &str, text: &str) -> Result<Exit, Fault> {
    context.say(serde_json::json!({ "mall_id": mall, "state": state }), text)?;
    Ok(Exit::Done)
}
