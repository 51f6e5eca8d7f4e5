//! `backfill`: the runs of the backfill lane, how far they are and until when.

mod comes_back;
mod screen;

use std::collections::BTreeSet;

use common::clock::now;
use common::domain::job::Lane;
use common::store::{Backfill, Control};
use serde_json::json;
use uuid::Uuid;

use self::screen::{item, table, whole};
use super::agree::{Ask, Question};
use super::context::Context;
use super::{lanes, runs};
use crate::cli::BackfillCommand;
use crate::crew::Crew;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, List};
use crate::output::text::{counted, number};
use crate::plan::eta::{Eta, Terms, eta};

/// A run with its end.
struct Line {
    run: Backfill,
    /// `None`: nothing of it will end by itself.
    eta: Option<Eta>,
}

pub(super) async fn run(context: &Context, command: &BackfillCommand) -> Result<Exit, Fault> {
    match command {
        BackfillCommand::List { limit, all } => list(context, *limit, *all).await,
        BackfillCommand::Show { run } => show(context, run).await,
        BackfillCommand::Pause(how) => lanes::pause(context, Lane::Backfill, how).await,
        BackfillCommand::Resume { scope } => lanes::resume(context, Lane::Backfill, scope).await,
        BackfillCommand::Hours(args) => lanes::hours(context, args).await,
        BackfillCommand::Cancel { run, dry_run, yes } => cancel(context, run, *dry_run, *yes).await,
    }
}

async fn list(context: &Context, limit: u32, all: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let runs = control.backfills(limit, all).await.map_err(|error| context.store(error))?;
    let lines = foretold(context, &control, runs).await?;
    let (now, output) = (now(), context.output);
    if output.json {
        let items = lines.iter().map(|line| item(line, now)).collect::<Result<Vec<_>, Fault>>()?;
        output.document(&List::new(items, None, now))?;
    } else if lines.is_empty() && !output.plain {
        output.answer(if all { "no run of the backfill lane" } else { "no backfill is under way" })?;
    } else {
        output.list(&table(&lines, now), "")?;
    }
    Ok(Exit::Done)
}

async fn show(context: &Context, run: &str) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let run = runs::named(context, &control, run).await?;
    let run = known(context, &control, run).await?;
    let now = now();
    for line in foretold(context, &control, vec![run]).await? {
        if context.output.is_for_programs() {
            context.output.document(&Document::new(item(&line, now)?, now))?;
        } else {
            context.output.answer(&whole(&line, now, context.key_is_mall()))?;
        }
    }
    Ok(Exit::Done)
}

async fn cancel(context: &Context, run: &str, dry_run: bool, yes: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let run = runs::named(context, &control, run).await?;
    let known = known(context, &control, run).await?;
    let waiting = known.left();
    // Asked before they are dropped. Where nothing is fetched by itself, nothing comes back.
    let still_wanted = if context.config.schedule.enabled {
        // What must be stopped is stopped, also if a great run cannot be looked at in time.
        control.comes_back(run).await.unwrap_or_else(|error| {
            context.output.note(&format!("which of its days come back is not known: {error}"));
            Vec::new()
        })
    } else {
        Vec::new()
    };
    let comes_back = comes_back::text(&still_wanted);
    let plan = format!(
        "run {run}: about {} dropped; {} done stay, and what a worker has ends{comes_back}",
        counted(waiting, "queued job is", "queued jobs are"),
        number(known.done),
    );
    let say = |state: &str, dropped: u64, text: &str| {
        let content = json!({
            "run_id": run, "state": state, "waiting": waiting, "dropped": dropped, "comes_back": still_wanted,
        });
        context.say(content, text)
    };
    if waiting == 0 {
        say("over", 0, &format!("run {run}: nothing of it is queued"))?;
        return Ok(Exit::Done);
    }
    if dry_run {
        say("not cancelled yet", 0, &plan)?;
        return Ok(Exit::Done);
    }
    if !yes {
        let ask = Ask {
            plan: &plan,
            why: format!("it drops {}", counted(waiting, "job", "jobs")),
            with: &["--yes"],
            question: Question::Words("Drop them?"),
            declined: "nothing was dropped",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let now = "some jobs may be dropped already; the same command drops the rest";
    let dropped = control.cancel_run(run, &Context::actor()).await;
    let dropped = dropped.map_err(|error| context.store_after(error, now))?;
    let count = i64::try_from(dropped).unwrap_or(i64::MAX);
    let text =
        format!("run {run}: {} dropped{comes_back}", counted(count, "queued job was", "queued jobs were"));
    say("cancelled", dropped, &text)?;
    Ok(Exit::Done)
}

async fn known(context: &Context, control: &Control, run: Uuid) -> Result<Backfill, Fault> {
    let found = control.backfill(run).await.map_err(|error| context.store(error))?;
    found.ok_or_else(|| Fault::UnknownRun(run.to_string()))
}

/// Each run with its end: all jobs and all buckets are looked at once, however many runs there are.
async fn foretold(context: &Context, control: &Control, runs: Vec<Backfill>) -> Result<Vec<Line>, Fault> {
    let open: Vec<Uuid> =
        runs.iter().filter(|run| run.queued + run.planned > 0).map(|run| run.run_id).collect();
    if open.is_empty() {
        return Ok(runs.into_iter().map(|run| Line { run, eta: None }).collect());
    }
    let demands = control.demand_by_run(open).await.map_err(|error| context.store(error))?;
    let keys: BTreeSet<_> = demands.values().flatten().map(|demand| demand.key.clone()).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let store = |error| context.store(error);
    let crew = Crew::read(&context.config, control).await.map_err(store)?;
    let terms = Terms::read(&context.config, control, &keys).await.map_err(store)?.at_work(&crew);
    let line =
        |run: Backfill| Line { eta: demands.get(&run.run_id).and_then(|demands| eta(demands, &terms)), run };
    Ok(runs.into_iter().map(line).collect())
}
