//! `malls pause`, `malls resume`: a whole mall, or some of its endpoints.

use chrono::{DateTime, Utc};
use common::domain::endpoint::Endpoint;
use common::store::{Connector, ConnectorState, Control, EndpointPause, MallPause, NewPause};

use super::super::context::Context;
use super::super::enqueue::unknown_mall;
use super::say;
use crate::cli::{NO_REASON, PauseArgs, ResumeArgs};
use crate::fault::{Exit, Fault};
use crate::output::text::{clean, short_time};

pub(super) async fn pause(context: &Context, args: &PauseArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let mall = &args.mall;
    let found = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    if found.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let actor = Context::actor();
    let new = |endpoint| NewPause {
        endpoint,
        mall: Some(mall),
        reason: args.reason.as_deref().unwrap_or(NO_REASON),
        until: args.until,
        actor: &actor,
    };
    let until = args.until.map_or_else(String::new, |time| format!(" until {} KST", short_time(time)));
    if args.endpoints.is_empty() {
        let before = control.mall_pause(mall).await.map_err(|error| context.store(error))?;
        control.pause(&new(None)).await.map_err(|error| context.store(error))?;
        let replaced = before.map_or_else(String::new, |pause| replaced(&pause, &new(None)));
        let text = format!("{mall}: paused{until}; nothing is sent, its jobs are paused{replaced}");
        return say(context, mall, ConnectorState::Paused.as_str(), &text);
    }
    has_endpoints(context, &found[0], &args.endpoints)?;
    let mut already = Vec::new();
    for endpoint in &args.endpoints {
        if !control.pause(&new(Some(*endpoint))).await.map_err(|error| context.store(error))? {
            already.push(*endpoint);
        }
    }
    if !already.is_empty() {
        context.output.note(&format!(
            "{} paused already; resume first to change its reason or its end",
            names(&already)
        ));
    }
    let text = format!("{mall}: {} paused{until}; their jobs are paused", names(&args.endpoints));
    say(context, mall, found[0].state.as_str(), &text)
}

/// What the new pause of a mall takes the place of; empty: nothing.
fn replaced(before: &MallPause, new: &NewPause<'_>) -> String {
    let ends = |until: Option<DateTime<Utc>>| {
        until.map_or_else(|| "without an end".to_owned(), |time| format!("until {} KST", short_time(time)))
    };
    let reason = before.reason.as_deref().unwrap_or_default();
    if (reason, before.until) == (new.reason, new.until) {
        return String::new();
    }
    format!("; before, it was paused {} ({})", ends(before.until), clean(reason))
}

/// One that the mall's API does not have is a slip of the finger; one that the mall does not fetch is worth a word.
fn has_endpoints(context: &Context, mall: &Connector, endpoints: &[Endpoint]) -> Result<(), Fault> {
    let (mall_id, dialect) = (&mall.mall_id, mall.dialect);
    let lacks = endpoints.iter().copied().filter(|endpoint| endpoint.wire(dialect).is_none());
    let lacks: Vec<_> = lacks.collect();
    if !lacks.is_empty() {
        return Err(Fault::Setting {
            what: format!("mall '{mall_id}' has no {}", names(&lacks)),
            why: format!("it speaks the dialect {dialect}, which has no such endpoint"),
            action: format!("cafe24-sync malls show {mall_id}"),
        });
    }
    let idle: Vec<_> =
        endpoints.iter().copied().filter(|endpoint| !mall.endpoints.contains(endpoint)).collect();
    if !idle.is_empty() {
        let only = "only what is asked for by name is stopped";
        context.output.note(&format!("{mall_id} is not synchronised with {}: {only}", names(&idle)));
    }
    Ok(())
}

/// A paused mall, or one whose app Cafe24 refused: the approval is given in Cafe24's console, where we cannot see it, so a
/// person says that it is there (if it is not, the first request parks the mall again). The other states need new tokens.
pub(super) async fn resume(context: &Context, args: &ResumeArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let mall = &args.mall;
    let found = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    let Some(connector) = found.first() else { return Err(unknown_mall(context, &control, mall).await) };
    let pauses = control.endpoint_pauses(Some(mall)).await.map_err(|error| context.store(error))?;
    if !args.endpoints.is_empty() {
        let ended = resume_endpoints(context, &control, args, &pauses).await?;
        let text = match ended.as_slice() {
            [] => format!("{mall}: {} was not paused for this mall", names(&args.endpoints)),
            ended => format!("{mall}: {} resumed; its jobs are queued again", names(ended)),
        };
        return say(context, mall, connector.state.as_str(), &text);
    }
    for pause in &pauses {
        context.output.note(&format!("still paused: {}", crate::remedy::why_paused(pause)));
    }
    match connector.state {
        ConnectorState::Paused | ConnectorState::Forbidden => {
            control.resume_mall(mall, &Context::actor()).await.map_err(|error| context.store(error))?;
            say(context, mall, "active", &format!("{mall}: active; its jobs are queued again"))
        }
        ConnectorState::Active => say(context, mall, "active", &format!("{mall}: was not paused")),
        _ => {
            let why = crate::remedy::why_silent(connector);
            Err(Fault::NotAuthorised { mall: mall.clone(), why })
        }
    }
}

async fn resume_endpoints(
    context: &Context,
    control: &Control,
    args: &ResumeArgs,
    pauses: &[EndpointPause],
) -> Result<Vec<Endpoint>, Fault> {
    let actor = Context::actor();
    let mut ended = Vec::new();
    for pause in pauses.iter().filter(|pause| args.endpoints.contains(&pause.endpoint)) {
        if pause.mall_id.is_none() {
            context.output.note(&format!("still paused: {}", crate::remedy::why_paused(pause)));
        } else if control.end_pause(pause, &actor).await.map_err(|error| context.store(error))? {
            ended.push(pause.endpoint);
        }
    }
    Ok(ended)
}

fn names(endpoints: &[Endpoint]) -> String {
    endpoints.iter().map(|endpoint| endpoint.as_str()).collect::<Vec<_>>().join(", ")
}
