//! `malls`: import, list, show, pause, resume, remove.

mod file;

mod import;

mod list;

mod pause;

mod show;

pub(super) use pause::NO_REASON;

use common::domain::ids::MallId;

use super::again;
use super::context::Context;
use super::disconnect::end;
use super::enqueue::unknown_mall;
use crate::cli::MallsCommand;
use crate::connect::After;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;

pub(super) async fn run(context: &Context, command: MallsCommand) -> Result<Exit, Fault> {
    match command {
        MallsCommand::Import { file, dry_run } => import::run(context, &file, dry_run).await,
        MallsCommand::List { limit, after } => list::run(context, limit, after.as_ref()).await,
        MallsCommand::Show { mall } => show::run(context, &mall).await,
        MallsCommand::Pause(args) => pause::pause(context, &args).await,
        MallsCommand::Resume(args) => pause::resume(context, &args).await,
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
        "{mall}: its tokens are revoked at Cafe24 and erased, its waiting jobs are cancelled, its figures stay"
    );
    if !yes {
        if !context.output.can_ask() {
            if !context.output.json {
                context.output.answer(&plan)?;
            }
            let why = "a removed mall must be authorised again to come back".to_owned();
            return Err(Fault::NeedsYes { why, action: again(&["--yes"]) });
        }
        context.output.complain(&plan);
        if !context.output.confirm_by_typing(mall.as_str()) {
            context.output.note("nothing was removed");
            return Ok(Exit::Refused);
        }
    }
    end(context, control, mall, force, After::Remove).await?;
    say(context, mall, "removed", &format!("{mall}: removed; its waiting jobs are cancelled"))
}

fn say(context: &Context, mall: &MallId, state: &str, text: &str) -> Result<Exit, Fault> {
    if context.output.json {
        let content = serde_json::json!({ "mall_id": mall, "state": state });
        context.output.document(&Document::new(content, common::clock::now()))?;
    } else {
        context.output.answer(text)?;
    }
    Ok(Exit::Done)
}
