//! `doctor`

use common::clock::now;
use serde::Serialize;

use super::context::Context;
use crate::cli::DoctorArgs;
use crate::doctor::repair::{Plan, RepairError};
use crate::doctor::screen::{self, count};
use crate::doctor::{Doctor, Finding, Level};
use crate::fault::{Exit, Fault};
use crate::feed::FeedError;
use crate::output::json::Document;
use crate::output::paint::good;
use crate::output::text::number;

/// For programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    items: &'a [Finding],
    problems: usize,
    warnings: usize,
}

pub(super) async fn run(context: &Context, args: &DoctorArgs) -> Result<Exit, Fault> {
    let control = context.quiet_database()?;
    if args.after_restore {
        return after_restore(context, &control).await;
    }
    let doctor =
        Doctor { config: context.config.clone(), control, offline: args.offline, mall: args.mall.clone() };
    let mut findings = doctor.examine().await;
    if args.fix {
        match Plan::of(&findings) {
            None => context.output.note("nothing that --fix could repair"),
            Some(plan) => {
                if fix(context, &doctor, args, &plan, &findings).await? {
                    let again = doctor.look_again().await;
                    let before = |finding: &Finding| again.iter().any(|new| new.check == finding.check);
                    let place = findings.iter().position(before).unwrap_or(findings.len());
                    findings.retain(|finding| !before(finding));
                    findings.splice(place..place, again);
                }
            }
        }
    }
    answer(context, &findings)?;
    Ok(if findings.iter().any(|finding| finding.level >= Level::Warning) {
        Exit::Attention
    } else {
        Exit::Done
    })
}

/// Repairs what the plan says, after a question if that deletes something. `false`: the answer was no.
async fn fix(
    context: &Context,
    doctor: &Doctor,
    args: &DoctorArgs,
    plan: &Plan,
    findings: &[Finding],
) -> Result<bool, Fault> {
    let output = context.output;
    if plan.deletes() && !args.yes {
        output.complain(&format!("{}fix\n{}", screen::text(findings, output.width()), plan.text()));
        if !output.can_ask() {
            let why = "a queue without a leader is deleted and declared again";
            return Err(Fault::NeedsYes { why: why.to_owned(), action: super::again(&["--yes"]) });
        }
        if !output.confirm("delete and declare again?") {
            return Ok(false);
        }
    }
    let now = "what was not done can be done again; nothing is lost";
    plan.carry_out(doctor, &Context::actor()).await.map_err(|error| match error {
        RepairError::Store(error) => context.store(error),
        RepairError::Broker(error) => context.feed(FeedError::Broker(error), now),
        RepairError::Feed(error) => context.feed(error, now),
    })?;
    output
        .note("RabbitMQ was repaired; jobs that were in a replaced queue are published again within minutes");
    Ok(true)
}

fn answer(context: &Context, findings: &[Finding]) -> Result<(), Fault> {
    if context.output.is_for_programs() {
        let (problems, warnings) = (count(findings, Level::Problem), count(findings, Level::Warning));
        let report = Report { items: findings, problems, warnings };
        return context.output.document(&Document::new(report, now()));
    }
    context.output.answer(&screen::text(findings, context.output.width()))
}

/// Lets fetches be numbered above all that were made before a copy of the database was put back (`docs/reliability.md` P6).
async fn after_restore(context: &Context, control: &common::store::Control) -> Result<Exit, Fault> {
    control.check_schema().await.map_err(|error| context.schema(error))?;
    let raised = control.raise_fences(&Context::actor()).await.map_err(|error| context.store(error))?;
    if context.output.is_for_programs() {
        let report = serde_json::json!({ "raised_to": raised });
        context.output.document(&Document::new(report, now()))?;
    } else {
        let raised = number(raised);
        context.output.answer(&format!(
            "{} fetches are numbered from {raised} on: above every one that was made before the restore",
            good("✓")
        ))?;
    }
    context.output.note(
        "jobs that the copy does not know as done are published again by themselves; a mall whose tokens were renewed \
         after the copy was made shows in  cafe24-sync status  and needs  cafe24-sync connect",
    );
    Ok(Exit::Done)
}
