//! `malls`: import, list, pause, resume, remove.

mod file;

mod import;

mod list;

use common::domain::ids::MallId;
use common::store::ConnectorState;

use super::again;
use super::context::Context;
use super::enqueue::unknown_mall;
use crate::cli::MallsCommand;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;

pub(super) async fn run(context: &Context, command: MallsCommand) -> Result<Exit, Fault> {
    match command {
        MallsCommand::Import { file, dry_run } => import::run(context, &file, dry_run).await,
        MallsCommand::List { limit, after } => list::run(context, limit, after.as_ref()).await,
        MallsCommand::Pause { mall, reason } => {
            let reason = reason.unwrap_or_else(|| "paused by an operator".to_owned());
            set(context, &mall, ConnectorState::Paused, Some(&reason)).await
        }
        MallsCommand::Resume { mall } => resume(context, &mall).await,
        MallsCommand::Remove { mall, yes } => remove(context, &mall, yes).await,
    }
}

async fn set(
    context: &Context,
    mall: &MallId,
    state: ConnectorState,
    reason: Option<&str>,
) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let known =
        control.set_connector_state(mall, state, reason).await.map_err(|error| context.store(error))?;
    if !known {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let text = match state {
        ConnectorState::Paused => format!("{mall}: paused; nothing is sent, its waiting jobs are parked"),
        _ => format!("{mall}: active; its parked jobs are planned again"),
    };
    say(context, mall, state.as_str(), &text)
}

/// A paused mall, or one whose app Cafe24 refused: the approval is given in Cafe24's console, where we cannot see it, so a
/// person says that it is there (if it is not, the first request parks the mall again). The other states need new tokens.
async fn resume(context: &Context, mall: &MallId) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let found = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    match found.first().map(|connector| connector.state) {
        None => Err(unknown_mall(context, &control, mall).await),
        Some(ConnectorState::Paused | ConnectorState::Forbidden) => {
            set(context, mall, ConnectorState::Active, None).await
        }
        Some(ConnectorState::Active) => say(context, mall, "active", &format!("{mall}: was not paused")),
        Some(_) => {
            let why = crate::plan::preview::why_silent(&found[0]);
            Err(Fault::NotAuthorised { mall: mall.clone(), why })
        }
    }
}

/// Cannot be taken back by us: the mall's operator would have to consent again. So its id has to be typed.
async fn remove(context: &Context, mall: &MallId, yes: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    if known.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let plan = format!("{mall}: its tokens are erased, its waiting jobs are cancelled, its figures stay");
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
    control.remove_connector(mall).await.map_err(|error| context.store(error))?;
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
