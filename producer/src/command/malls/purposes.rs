//! `malls purposes`: what a mall's data may be used for.

use std::fmt::Write;

use common::clock::now;
use common::domain::calendar::kst_day;
use common::store::{Approval, Control, NewApprovals};
use serde_json::{Value, json};

use super::super::context::Context;
use super::super::enqueue::unknown_mall;
use crate::cli::PurposesArgs;
use crate::fault::{Exit, Fault};
use crate::output::json::with_times;
use crate::output::text::clean;
use crate::plan::wish::has_come;

pub(super) async fn run(context: &Context, args: &PurposesArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let mall = &args.mall;
    let store = |error| context.store(error);
    if control.connectors(std::slice::from_ref(mall)).await.map_err(store)?.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let today = kst_day(now());
    for (flag, day) in [("--on", args.on), ("--shown-from", args.shown_from)] {
        if let Some(why) = day.and_then(|day| has_come(day, today).err()) {
            return Err(refused(
                why,
                "what is written here counts at once",
                format!("{flag} {today}, or an earlier day"),
            ));
        }
    }
    if args.shown_from.is_some() && control.shown_from(mall).await.map_err(store)?.is_none() {
        return Err(refused(
            format!("mall '{mall}' did not come from another agency"),
            "readers of its agency see all of its days already",
            format!("cafe24-sync malls purposes {mall}"),
        ));
    }
    if args.none || !args.set.is_empty() {
        let new = NewApprovals {
            mall: mall.clone(),
            purposes: args.set.clone(),
            reference: args.reference.clone(),
            approved_on: args.on,
        };
        control.set_approvals(&[new], &Context::actor()).await.map_err(store)?;
    }
    if let Some(day) = args.shown_from {
        control.set_shown_from(mall, day, &Context::actor()).await.map_err(store)?;
    }
    show(context, &control, args).await
}

fn refused(what: String, why: &str, action: String) -> Fault {
    Fault::Setting { what, why: why.to_owned(), action }
}

async fn show(context: &Context, control: &Control, args: &PurposesArgs) -> Result<Exit, Fault> {
    let mall = &args.mall;
    let mut approvals =
        control.approvals(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    let approvals = approvals.remove(mall.as_str()).unwrap_or_default();
    let shown_from = control.shown_from(mall).await.map_err(|error| context.store(error))?;
    let mut text = String::new();
    for line in lines(&approvals) {
        let _ = writeln!(text, "{mall}: {line}");
    }
    if approvals.is_empty() {
        let _ = writeln!(text, "{mall}: approved for no purpose");
    }
    if let Some(day) = shown_from {
        let _ = writeln!(
            text,
            "{mall}: came from another agency; readers of its present one see it from {day} on"
        );
    }
    context.say(
        json!({ "mall_id": mall, "purposes": document(&approvals)?, "shown_from": shown_from }),
        &text,
    )?;
    Ok(Exit::Done)
}

/// For programs.
pub(super) fn document(approvals: &[Approval]) -> Result<Vec<Value>, Fault> {
    approvals
        .iter()
        .map(|approval| with_times(approval, &[("recorded_at", Some(approval.recorded_at))]))
        .collect()
}

/// For people, one a purpose.
pub(super) fn lines(approvals: &[Approval]) -> Vec<String> {
    approvals
        .iter()
        .map(|approval| {
            let mut line = approval.purpose.clone();
            if let Some(day) = approval.approved_on {
                let _ = write!(line, " since {day}");
            }
            if let Some(reference) = &approval.reference {
                let _ = write!(line, " ({})", clean(reference));
            }
            line
        })
        .collect()
}
