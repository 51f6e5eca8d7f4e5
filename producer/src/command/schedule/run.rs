//! `schedule run`: what a schedule wants, by hand.

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::job::Lane;
use common::store::{DemandOf, PlanCounts, Scope};
use serde_json::json;
use uuid::Uuid;

use super::{about, malls, scope_of};
use crate::cli::{ScheduleRunArgs, ScopeArgs};
use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::command::enqueue::MANY_JOBS;
use crate::fault::{Exit, Fault};
use crate::feed;
use crate::output::json::Document;
use crate::output::text::{counted, number};
use crate::plan::eta::{Eta, eta, planned};
use crate::plan::preview::Slices;
use crate::plan::selection::Selection;
use crate::schedule::asks;

pub(super) async fn run(context: &Context, args: &ScheduleRunArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(ScopeArgs { mall: args.scope.mall.clone(), agency: args.scope.agency.clone() });
    let malls = malls(context, &control, &scope).await?;
    let selections = asks(&control, &context.config.schedule, args.schedule, malls, now())
        .await
        .map_err(|error| context.store(error))?;
    let hand = Hand { context, args, control, scope, selections };
    let most: usize = hand.selections.iter().map(Selection::most_jobs).sum();
    if args.dry_run || (!args.yes && i64::try_from(most).unwrap_or(i64::MAX) > MANY_JOBS) {
        let counts = hand.plan(None).await?;
        if args.dry_run {
            hand.say(&counts, None, "nothing sent yet").await?;
            return Ok(Exit::Done);
        }
        if counts.jobs > MANY_JOBS {
            let jobs = counted(counts.jobs, "job", "jobs");
            let (eta, at) = hand.eta(&counts, None).await?;
            let ask = Ask {
                plan: &hand.text(&counts, eta.as_ref(), at, "nothing sent yet"),
                why: format!("{jobs} are more than {}", number(MANY_JOBS)),
                with: &["--yes"],
                question: Question::Words(&format!("Plan {jobs}?")),
                declined: "nothing was planned",
            };
            if let Some(exit) = ask.of(context.output)? {
                return Ok(exit);
            }
        }
    }
    hand.go().await
}

struct Hand<'a> {
    context: &'a Context,
    args: &'a ScheduleRunArgs,
    control: common::store::Control,
    scope: Scope,
    selections: Vec<Selection>,
}

impl Hand<'_> {
    async fn plan(&self, run: Option<Uuid>) -> Result<PlanCounts, Fault> {
        let mut counts = PlanCounts::default();
        for selection in &self.selections {
            let planned = selection.plan(&self.control, run, |_, _| {}).await;
            counts.add(
                planned
                    .map_err(|error| match run {
                        Some(run) => self.context.store_after(
                            error,
                            &format!(
                                "part of it is planned as run {run}; the same command again plans the rest"
                            ),
                        ),
                        None => self.context.store(error),
                    })?
                    .counts,
            );
        }
        Ok(counts)
    }

    async fn go(&self) -> Result<Exit, Fault> {
        let run = Uuid::now_v7();
        let wish = json!({ "schedule": self.args.schedule, "by": Context::actor(), "scope": super::screen::whose(&self.scope) });
        self.control
            .create_run(run, self.args.schedule.as_str(), &wish)
            .await
            .map_err(|error| self.context.store(error))?;
        let counts = self.plan(Some(run)).await?;
        self.say(&counts, Some(run), &format!("run {run}")).await?;
        if counts.jobs + counts.in_work > 0 {
            let now =
                format!("{} of run {run} are planned, none is lost", counted(counts.jobs, "job", "jobs"));
            let fed = feed::feed_once(&self.context.config, &self.control).await;
            let fed = fed.map_err(|error| self.context.feed(error, &now))?;
            if !fed.leader_elsewhere {
                self.context.output.note("no feeder runs: start `cafe24-sync serve`");
            }
        }
        Ok(Exit::Done)
    }

    async fn say(&self, counts: &PlanCounts, run: Option<Uuid>, note: &str) -> Result<(), Fault> {
        let (eta, now) = self.eta(counts, run).await?;
        if self.context.output.is_for_programs() {
            let answer = json!({
                "schedule": self.args.schedule, "scope": super::screen::whose(&self.scope), "run_id": run,
                "slices": Slices::from(counts),
                "jobs": counts.jobs, "parked": counts.parked,
                "eta": eta.map(|eta| eta.json(now)),
            });
            return self.context.output.document(&Document::new(answer, now));
        }
        self.context.output.answer(&self.text(counts, eta.as_ref(), now, note))
    }

    fn text(&self, counts: &PlanCounts, eta: Option<&Eta>, now: DateTime<Utc>, note: &str) -> String {
        let (schedule, key_is_mall) = (self.args.schedule, self.context.key_is_mall());
        let eta = eta.map(|eta| eta.words(now, key_is_mall));
        super::screen::planned(schedule, about(schedule), &self.scope, counts, eta, note)
    }

    /// When what was planned, or would be, is done; and now.
    async fn eta(
        &self,
        counts: &PlanCounts,
        run: Option<Uuid>,
    ) -> Result<(Option<Eta>, DateTime<Utc>), Fault> {
        let keys: Vec<_> = counts.by_key.keys().cloned().collect();
        // What was just planned is open by now.
        let open = if run.is_some() {
            Vec::new()
        } else {
            let open = self.control.demand(DemandOf::Keys(&keys)).await;
            open.map_err(|error| self.context.store(error))?
        };
        let lane = self.selections.first().map_or(Lane::Backfill, |selection| selection.lane);
        let demands = planned(&counts.by_key, lane, &open);
        let terms = self.context.terms(&self.control, &demands).await?;
        Ok((eta(&demands, &terms), terms.now))
    }
}
