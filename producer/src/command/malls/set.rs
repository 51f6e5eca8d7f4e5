//! `malls set`: what is fetched of a mall, and how.

use std::fmt::Write;
use std::time::Duration;

use chrono::NaiveDate;
use common::clock::now;
use common::domain::calendar::kst_day;
use common::domain::endpoint::Dialect;
use common::domain::ids::ShopNo;
use common::store::{Changed, Connector, ConnectorChange, ConnectorState, Control, Refitted};
use serde_json::json;
use tokio::time::sleep;

use super::super::agree::{Ask, Question};
use super::super::context::Context;
use super::super::enqueue::unknown_mall;
use super::differences::differences;
use crate::cli::{SetArgs, Setting};
use crate::fault::{Exit, Fault};
use crate::output::paint::{good, warn};
use crate::output::text::counted;
use crate::plan::wish::to_be_had;

/// Why `wanted_from` has bounds.
const WANTED: &str = "days are wanted from it to yesterday, and each of them is asked for";
/// How often jobs that a worker had are looked for, and for how long: what it had not sent comes back once the requests under
/// way are answered.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: usize = 60;

pub(super) async fn run(context: &Context, args: &SetArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let mall = &args.mall;
    let store = |error| context.store(error);
    let found = control.connectors(std::slice::from_ref(mall)).await.map_err(store)?.pop();
    let Some(before) = found else { return Err(unknown_mall(context, &control, mall).await) };
    let change = change(context, &control, &before, args).await?;
    let open_from = context.config.schedule.settle.open_from(now());
    let planned = control.change_connector(mall, &change, open_from, None).await.map_err(store)?;
    let Some(planned) = planned else { return Err(unknown_mall(context, &control, mall).await) };
    if is_idle(&planned) {
        context.say(document(&planned, false), &format!("{mall}: is so already"))?;
        return Ok(Exit::Done);
    }
    let plan = text(&planned);
    if args.dry_run {
        context.say(document(&planned, false), &plan)?;
        return Ok(Exit::Done);
    }
    if !args.yes && changes_what_is_fetched(&planned) {
        let ask = Ask {
            plan: &plan,
            why: format!("it changes what is fetched of {mall}"),
            with: &["--yes"],
            question: Question::Words("Set it?"),
            declined: "nothing was changed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let done = control.change_connector(mall, &change, open_from, Some(&Context::actor())).await;
    let Some(mut done) = done.map_err(store)? else {
        return Err(unknown_mall(context, &control, mall).await);
    };
    let left = come_back(context, &control, &mut done, open_from).await?;
    if left > 0 {
        context.output.note(&format!(
            "{} still with a worker; what does not fit any more fails there, and dead replay plans it anew",
            counted(left, "job is", "jobs are")
        ));
    }
    context.say(document(&done, true), &format!("{} {}", good("✓"), text(&done)))?;
    Ok(Exit::Done)
}

/// What is asked for, if it can be.
async fn change(
    context: &Context,
    control: &Control,
    before: &Connector,
    args: &SetArgs,
) -> Result<ConnectorChange, Fault> {
    let mut change = ConnectorChange::default();
    let mut named = Vec::new();
    for setting in &args.settings {
        if named.contains(&setting.key()) {
            return Err(refused(format!("`{}` is set twice", setting.key()), "write each key once", ""));
        }
        named.push(setting.key());
        match setting.clone() {
            Setting::Dialect(dialect) => change.dialect = Some(dialect),
            Setting::Endpoints(endpoints) => change.endpoints = Some(endpoints),
            Setting::Shops(shops) => change.shops = Some(shops),
            Setting::LimiterKey(key) => {
                change.limiter_key = Some(key.unwrap_or_else(|| context.limiter_key(&before.mall_id)));
            }
            Setting::WantedFrom(day) => {
                day.map_or(Ok(()), |day| to_be_had(day, kst_day(now()))).map_err(|why| {
                    refused(
                        format!("`wanted_from` cannot be that day: {why}"),
                        WANTED,
                        "wanted_from=2025-01-01, or wanted_from=-",
                    )
                })?;
                change.wanted_from = Some(day);
            }
            Setting::App(app) => change.app = Some(app),
            Setting::Mode(mode) => change.mode = Some(mode),
        }
    }
    if let Some(Some(app)) = &change.app {
        let known = control.apps().await.map_err(|error| context.store(error))?;
        if !known.iter().any(|stored| stored.app_id == *app) {
            return Err(Fault::UnknownApp(app.clone()));
        }
    }
    fits_the_dialect(before, &change)?;
    Ok(change)
}

/// Endpoints and shops are those of the dialect that the mall will speak.
fn fits_the_dialect(before: &Connector, change: &ConnectorChange) -> Result<(), Fault> {
    let dialect = change.dialect.unwrap_or(before.dialect);
    let endpoints = change.endpoints.as_ref().unwrap_or(&before.endpoints);
    let missing: Vec<_> =
        endpoints.iter().filter(|one| one.wire(dialect).is_none()).map(|one| one.as_str()).collect();
    if !missing.is_empty() {
        let there: Vec<_> =
            endpoints.iter().filter(|one| one.wire(dialect).is_some()).map(|one| one.as_str()).collect();
        return Err(refused(
            format!("the dialect {dialect} has no endpoint {}", missing.join(", ")),
            "a mall is synchronised with endpoints of its dialect",
            &format!(
                "set endpoints={} with it",
                if there.is_empty() { "visitors".to_owned() } else { there.join(",") }
            ),
        ));
    }
    let shops = change.shops.as_ref().unwrap_or(&before.shops);
    if !dialect.names_shops() && shops.as_slice() != [ShopNo::FIRST] {
        return Err(refused(
            format!("requests of the dialect {dialect} cannot name a shop"),
            "they always mean the first one",
            "set shops=1 with it",
        ));
    }
    Ok(())
}

fn refused(what: String, why: &str, action: &str) -> Fault {
    Fault::Setting { what, why: why.to_owned(), action: action.to_owned() }
}

/// Waits until what a worker had is back, and sees to it. How many jobs are still there.
async fn come_back(
    context: &Context,
    control: &Control,
    done: &mut Changed,
    open_from: NaiveDate,
) -> Result<i64, Fault> {
    let mut left = done.jobs.running;
    for _ in 0..LOOKS {
        if left == 0 {
            break;
        }
        sleep(LOOK).await;
        let more = control.refit_jobs(done, open_from).await;
        let more = more
            .map_err(|error| context.store_after(error, "it is set, and the jobs that waited follow it"))?;
        let jobs = done.jobs;
        done.jobs = Refitted {
            cancelled: jobs.cancelled + more.cancelled,
            recut: jobs.recut + more.recut,
            planned: jobs.planned + more.planned,
            running: more.running,
        };
        left = more.running;
    }
    Ok(left)
}

/// Whether all is as it was.
fn is_idle(changed: &Changed) -> bool {
    differences(&changed.before, &changed.after).is_empty()
        && changed.jobs.cancelled + changed.jobs.recut == 0
}

fn changes_what_is_fetched(changed: &Changed) -> bool {
    differences(&changed.before, &changed.after).iter().any(|(key, ..)| *key != "limiter_key")
}

fn text(changed: &Changed) -> String {
    let mall = &changed.after.mall_id;
    let mut out = String::new();
    for (key, was, is) in differences(&changed.before, &changed.after) {
        let _ = writeln!(out, "{mall}: {key} {was} → {is}");
    }
    if changed.before.limiter_key != changed.after.limiter_key {
        let _ = writeln!(
            out,
            "  waits      half a minute after the last request of the other one, so that its API's own bucket is full whatever it was sent before"
        );
    }
    let jobs = changed.jobs;
    if jobs.cancelled > 0 {
        let _ = writeln!(
            out,
            "  cancelled  {} that would fetch what is not wanted any more, or is not to be had",
            counted(jobs.cancelled, "job", "jobs")
        );
    }
    if jobs.recut > 0 {
        let Connector { dialect, .. } = changed.after;
        let _ = writeln!(
            out,
            "  cut anew   {} that the dialect {dialect} cannot answer: {} in their place",
            counted(jobs.recut, "job", "jobs"),
            counted(jobs.planned, "job", "jobs")
        );
    }
    if let Some(consent) = consent(changed) {
        let _ = writeln!(out, "  {} {consent} → cafe24-sync connect {mall}", warn("!"));
    }
    out
}

/// What the new settings need that the tokens do not have.
fn consent(changed: &Changed) -> Option<String> {
    let (before, after) = (changed.before.state, changed.after.state);
    match after {
        _ if before == after => None,
        ConnectorState::NeedsScope => {
            let dialect: Dialect = changed.after.dialect;
            Some(format!("its consent lacks the scope {} of the dialect {dialect}", dialect.scope()))
        }
        ConnectorState::NeedsConsent => Some("its tokens are another app's".to_owned()),
        ConnectorState::Active | ConnectorState::Paused | ConnectorState::Forbidden => None,
    }
}

fn document(changed: &Changed, done: bool) -> serde_json::Value {
    let set: serde_json::Map<_, _> = differences(&changed.before, &changed.after)
        .into_iter()
        .map(|(key, was, is)| (key.to_owned(), json!({ "before": was, "after": is })))
        .collect();
    let jobs = changed.jobs;
    json!({
        "mall_id": changed.after.mall_id, "done": done, "set": set, "state": changed.after.state,
        "jobs": {
            "cancelled": jobs.cancelled, "recut": jobs.recut, "planned": jobs.planned, "running": jobs.running,
        },
    })
}
