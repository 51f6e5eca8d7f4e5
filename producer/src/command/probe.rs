//! `probe`: how a mall's API speaks.

mod screen;

use std::fmt::Write;

use chrono::Days;
use common::api::{ApiClient, ApiConfig};
use common::clock::now;
use common::domain::calendar::kst_day;
use common::domain::endpoint::Endpoint;
use common::domain::ids::ShopNo;
use common::limiter::Limiter;
use common::oauth::TokenError;
use common::store::{Connector, ConnectorState, Control, PauseCause};
use serde_json::{Value, json};

use super::context::Context;
use super::enqueue::unknown_mall;
use crate::cli::ProbeArgs;
use crate::fault::{Exit, Fault, in_one_line};
use crate::feed::{self, FeedError};
use crate::output::text::duration;
use crate::plan::eta::Terms;
use crate::probe::findings::Findings;
use crate::probe::judge::judged;
use crate::probe::paced::NoLeave;
use crate::probe::plan::{Step, steps, takes};
use crate::probe::record::record;
use crate::probe::refused::remedy;
use crate::probe::run::{Sender, Stop};
use crate::remedy::{Remedy, why_paused};
use crate::tokens::{Tokens, TokensError};

const UNSENT: &str = "nothing was sent";
/// Yesterday's figures may still settle; those of the day before do not.
const FINISHED: Days = Days::new(2);

pub(super) async fn run(context: &Context, args: &ProbeArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let found = control.connectors(std::slice::from_ref(&args.mall)).await;
    let found = found.map_err(|error| context.store(error))?.pop();
    let Some(mall) = found else { return Err(unknown_mall(context, &control, &args.mall).await) };
    let endpoints = endpoints(context, &control, args, &mall).await?;
    let steps = steps(mall.dialect, &endpoints, kst_day(now()) - FINISHED);
    if steps.is_empty() {
        return Err(Fault::NothingToProbe { mall: args.mall.clone(), dialect: mall.dialect });
    }
    let plan = plan(context, &mall, &steps);
    if args.dry_run {
        context.say(document(&mall, &steps, None, &[]), &plan)?;
        return Ok(Exit::Done);
    }
    may_send(&mall)?;
    context.output.note(plan.trim_end());
    let (seen, stop) = match send(context, &control, &mall, &steps).await? {
        (seen, Some(stop)) if seen.is_empty() => return Err(unsent(context, &mall, stop)),
        ended => ended,
    };
    let shop = mall.shops.first().copied().unwrap_or(ShopNo::FIRST);
    let scopes = mall.tokens.as_ref().map(|tokens| tokens.scopes.clone()).unwrap_or_default();
    let findings = judged(&mall.mall_id, shop, mall.dialect, &scopes, &seen);
    let stopped = stop.as_ref().map(|stop| in_one_line(stop));
    let mut files = Vec::new();
    if let Some(dir) = &args.record {
        let written = record(dir, mall.dialect, &seen);
        files = written.map_err(|error| Fault::File {
            path: dir.display().to_string(),
            problem: format!("cannot be written: {error}"),
        })?;
    }
    if findings.compared() == 0 {
        return Err(failed(&mall, &findings, &files)
            .unwrap_or(Fault::NothingToProbe { mall: mall.mall_id, dialect: mall.dialect }));
    }
    let mut content = document(&mall, &steps, Some(&findings), &files);
    content["stopped"] = json!(stopped);
    let text = screen::text(&mall, steps.len(), &findings, stopped.as_deref(), &files, now());
    context.say(content, &text)?;
    match failed(&mall, &findings, &files) {
        // What was compared and differs wants a person before what was not answered.
        Some(fault) if !findings.differs() => Err(fault),
        _ => Ok(if findings.fits() && stopped.is_none() { Exit::Done } else { Exit::Attention }),
    }
}

/// Those asked for, or the mall's; none that a person has paused.
async fn endpoints(
    context: &Context,
    control: &Control,
    args: &ProbeArgs,
    mall: &Connector,
) -> Result<Vec<Endpoint>, Fault> {
    let asked = if args.endpoints.is_empty() { mall.endpoints.clone() } else { args.endpoints.clone() };
    let pauses = control.endpoint_pauses(Some(&mall.mall_id)).await.map_err(|error| context.store(error))?;
    // What stopped by itself is what a probe is for.
    let by_hand = pauses.iter().filter(|pause| pause.cause == PauseCause::Operator);
    let mut left = Vec::new();
    for endpoint in asked {
        match by_hand.clone().find(|pause| pause.endpoint == endpoint) {
            Some(pause) => context.output.note(&format!("left out: {}", why_paused(pause))),
            None if left.contains(&endpoint) => {}
            None => left.push(endpoint),
        }
    }
    Ok(left)
}

/// A mall that sends nothing is not probed either.
fn may_send(mall: &Connector) -> Result<(), Fault> {
    match Remedy::of_mall(mall.mall_id.as_str(), mall.state, &mall.mode) {
        None => Ok(()),
        Some(Remedy { what, action }) => Err(Fault::MallSilent {
            mall: mall.mall_id.clone(),
            what,
            action,
            authorise: matches!(mall.state, ConnectorState::NeedsConsent | ConnectorState::NeedsScope),
        }),
    }
}

fn plan(context: &Context, mall: &Connector, steps: &[Step]) -> String {
    let calls: Vec<_> = steps.iter().map(|step| format!("{} {}", step.endpoint, step.call.name())).collect();
    let time = duration(takes(steps.len(), &Terms::usual(&context.config).usual).as_secs());
    format!(
        "plan  {} calls of {} ({}), as many tokens of bucket {}, about {time}: {}\n",
        steps.len(),
        mall.mall_id,
        mall.dialect,
        mall.limiter_key,
        calls.join(", ")
    )
}

async fn send(
    context: &Context,
    control: &Control,
    mall: &Connector,
    steps: &[Step],
) -> Result<(Vec<crate::probe::run::Seen>, Option<Stop>), Fault> {
    let config = &context.config;
    let settings = ApiConfig::new(&config.cafe24, &config.worker);
    let api = ApiClient::new(settings).map_err(|error| Fault::OAuthSettings(error.to_string()))?;
    let limiter = feed::limiter(config, control).map_err(|error| context.feed(error, UNSENT))?;
    let reserves = control.reserves().await.map_err(|error| context.store(error))?;
    limiter.leave_free(&mall.limiter_key, reserves.get(&mall.limiter_key).copied());
    let tokens = Tokens::new(config, control).map_err(|error| match error {
        TokensError::Store(error) => context.store(error),
        TokensError::Key(_) | TokensError::Client(_) => Fault::OAuthSettings(error.to_string()),
    })?;
    let keeper = tokens.keeper().ok_or(Fault::NoMasterKey)?;
    let ended = Sender { api: &api, limiter: &limiter, keeper, mall }.all(steps).await;
    tokens.close().await;
    Ok(ended)
}

/// Not even the first call could be made.
fn unsent(context: &Context, mall: &Connector, stop: Stop) -> Fault {
    let mall = &mall.mall_id;
    let why = in_one_line(&stop);
    match stop {
        Stop::Leave(NoLeave::Unknown(error)) => context.feed(FeedError::Limiter(error), UNSENT),
        Stop::Token(error) => Fault::TokenRefresh {
            mall: mall.clone(),
            why,
            dead: matches!(error, TokenError::NeedsConsent { .. } | TokenError::NoTokens),
        },
        Stop::Leave(NoLeave::Busy | NoLeave::Silent) | Stop::Alike => Fault::MallSilent {
            mall: mall.clone(),
            what: "its bucket is busy or silent",
            action: format!("cafe24-sync probe {mall}        (when its jobs are done)"),
            authorise: false,
        },
    }
}

/// A call brought nothing to compare: an outage or a closed door, which says nothing of the contract.
fn failed(mall: &Connector, findings: &Findings, files: &[std::path::PathBuf]) -> Option<Fault> {
    let (call, error) = findings.failed()?;
    let mut why = in_one_line(error);
    if !call.error_keys.is_empty() {
        let _ = write!(why, " (answered with {})", call.error_keys.join(", "));
    }
    let mut now = match findings.compared() {
        0 => "nothing was compared, and nothing stored".to_owned(),
        some => format!("{some} of {} calls were compared; nothing was stored", findings.calls.len()),
    };
    if let Some(dir) = files.first().and_then(|file| file.parent()) {
        let _ = write!(now, "; {} of {} kept", files.len(), dir.display());
    }
    let mall = &mall.mall_id;
    Some(Fault::NoAnswer {
        mall: mall.clone(),
        call: format!("{} {}", call.step.endpoint, call.step.call.name()),
        class: error.class(),
        why,
        now,
        action: remedy(error, mall, &format!("cafe24-sync probe {mall}")),
    })
}

fn document(
    mall: &Connector,
    steps: &[Step],
    findings: Option<&Findings>,
    files: &[std::path::PathBuf],
) -> Value {
    let plan: Vec<_> = steps
        .iter()
        .map(|step| {
            json!({
                "endpoint": step.endpoint, "call": step.call.name(),
                "from": step.chunk.start(), "to": step.chunk.end(),
            })
        })
        .collect();
    let mut content =
        json!({ "mall_id": mall.mall_id, "dialect": mall.dialect, "requests": steps.len(), "plan": plan });
    if let Some(findings) = findings {
        content["fits"] = json!(findings.fits());
        content["calls"] = findings.calls.iter().map(screen::item).collect();
        let grains = findings.grains.iter();
        content["grain"] = grains
            .map(|(endpoint, found)| json!({ "endpoint": endpoint, "found": found.to_string() }))
            .collect();
        content["scope"] = json!({ "name": mall.dialect.scope(), "granted": findings.scope_granted });
        content["questions"] = json!(findings.questions);
        content["recorded"] = files.iter().map(|file| file.display().to_string()).collect();
    }
    content
}
