//! `dead replay`: the letter's chunk is planned again, unless it was fetched since.

use std::fmt::Write;

use common::clock::now;
use common::domain::calendar::{DayRange, Granularity, kst_day};
use common::domain::endpoint::Endpoint;
use common::domain::ids::{MallId, ShopNo};
use common::domain::job::Lane;
use common::store::{Connector, Control, DeadLetter, PlanCounts, PlannedChunk, ShopToPlan, Wish};
use serde_json::json;
use uuid::Uuid;

use super::screen::short_id;
use crate::command::again;
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::feed::feed_once;
use crate::output::json::Document;
use crate::output::text::counted;
use crate::remedy::why_silent;

/// What a letter asked for, read back into the types of a job.
struct Target {
    mall: Connector,
    shop: ShopToPlan,
    chunk: PlannedChunk,
}

pub(super) async fn run(
    context: &Context,
    control: &Control,
    letter: &DeadLetter,
    dry_run: bool,
    yes: bool,
) -> Result<Exit, Fault> {
    let target = target(context, control, letter).await?;
    let wish = Wish::NotFetchedSince(letter.died_at);
    let plan = |run: Option<Uuid>| {
        let (shops, chunks) = (std::slice::from_ref(&target.shop), std::slice::from_ref(&target.chunk));
        control.plan(run, wish, Lane::Fresh, shops, chunks)
    };
    let preview = plan(None).await.map_err(|error| context.store(error))?;
    let words = words(letter, &target, &preview);
    let output = context.output;
    if dry_run {
        answer(context, letter, None, &preview, &words)?;
        return Ok(Exit::Done);
    }
    if !yes {
        if !output.can_ask() {
            if !output.json {
                output.answer(&words)?;
            }
            let why = "a replay sends requests; there is no terminal to ask on".to_owned();
            return Err(Fault::NeedsYes { why, action: again(&["--yes"]) });
        }
        output.complain(&words);
        if !output.confirm("Replay?") {
            output.note("nothing was replayed");
            return Ok(Exit::Refused);
        }
    }
    let run = Uuid::now_v7();
    let asked = json!({ "letter": letter.letter_id });
    control.create_run(run, "replay", &asked).await.map_err(|error| context.store(error))?;
    let counts = plan(Some(run)).await.map_err(|error| context.store(error))?;
    control.mark_replayed(letter.letter_id, run).await.map_err(|error| context.store(error))?;
    answer(context, letter, Some(run), &counts, &format!("{words}run {run}"))?;
    let planned = format!("{} of run {run} are planned, none is lost", counted(counts.jobs, "job", "jobs"));
    let fed = feed_once(&context.config, control).await.map_err(|error| context.feed(error, &planned))?;
    if !fed.leader_elsewhere && counts.jobs > 0 {
        output.note("no feeder runs: start `cafe24-sync serve`");
    }
    Ok(Exit::Done)
}

async fn target(context: &Context, control: &Control, letter: &DeadLetter) -> Result<Target, Fault> {
    let no = |why: String| Fault::NotReplayable { letter: letter.letter_id, why };
    if let Some(at) = letter.replayed_at {
        let run = letter.replay_run.map(|run| run.to_string()).unwrap_or_default();
        return Err(no(format!("it was replayed at {} as run {run}", crate::output::text::short_time(at))));
    }
    let parts = (|| {
        let mall: MallId = letter.mall_id.as_deref()?.parse().ok()?;
        let shop = ShopNo::try_from(letter.shop_no?).ok()?;
        let endpoint: Endpoint = letter.endpoint.as_deref()?.parse().ok()?;
        let granularity: Granularity = letter.granularity.as_deref()?.parse().ok()?;
        let range = DayRange::new(letter.start?, letter.end?).ok()?;
        Some((mall, shop, PlannedChunk { endpoint, granularity, range }))
    })();
    let (mall_id, shop_no, chunk) = parts.ok_or_else(|| no("it is no job of ours".to_owned()))?;
    let found =
        control.connectors(std::slice::from_ref(&mall_id)).await.map_err(|error| context.store(error))?;
    let mall = found.into_iter().next().ok_or_else(|| no(format!("mall '{mall_id}' was removed")))?;
    let shop = ShopToPlan { mall_id, shop_no, limiter_key: mall.limiter_key.clone() };
    Ok(Target { mall, shop, chunk })
}

/// The plan in words: one line, and a second one for a mall that sends nothing.
fn words(letter: &DeadLetter, target: &Target, counts: &PlanCounts) -> String {
    let mut out = format!(
        "replay {}   {} → lane fresh · {} · {} superseded by newer data · {} in work already\n",
        short_id(letter),
        counted(counts.jobs, "job", "jobs"),
        counted(counts.jobs, "request", "requests"),
        counted(counts.complete, "slice", "slices"),
        counts.in_work,
    );
    if target.chunk.range.contains(kst_day(now())) {
        out += "today is not over: its figures will be partial\n";
    }
    if !target.mall.sends() {
        let _ = writeln!(out, "! it will wait: {}", why_silent(&target.mall));
    }
    out
}

fn answer(
    context: &Context,
    letter: &DeadLetter,
    run: Option<Uuid>,
    counts: &PlanCounts,
    words: &str,
) -> Result<(), Fault> {
    if context.output.json {
        let content = json!({
            "letter_id": letter.letter_id, "run_id": run, "jobs": counts.jobs, "requests": counts.jobs,
            "superseded": counts.complete, "in_work": counts.in_work, "lane": Lane::Fresh,
        });
        return context.output.document(&Document::new(content, now()));
    }
    context.output.answer(words)
}
