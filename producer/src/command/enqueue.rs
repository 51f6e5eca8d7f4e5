//! `enqueue`: plan, show, hand over; with `--wait`, feed until it is done.

mod answer;

mod carriers;

mod select;

mod wait;

pub(super) use select::{known_agency, unknown as unknown_mall};

use std::collections::BTreeSet;

use chrono::NaiveDate;
use common::clock::now;
use common::domain::calendar::{DayRange, Granularity, kst_day};
use common::store::{Control, Demand, DemandOf, MallFilter, StoreError, Wish};
use serde_json::json;
use uuid::Uuid;

use self::answer::Answer;
use self::carriers::Carriers;
use self::wait::{End, Ended};
use super::again;
use super::agree::{Ask, Question};
use super::context::Context;
use crate::cli::EnqueueArgs;
use crate::fault::{Exit, Fault};
use crate::feed::{self, FeedReport};
use crate::output::progress::Progress;
use crate::output::text::{counted, number};
use crate::plan::eta::{eta, planned as planned_work};
use crate::plan::groups::MALLS;
use crate::plan::preview::Preview;
use crate::plan::selection::Selection;
use crate::plan::wish::{LONG_RANGE_DAYS, default_lane, resolve, whole_periods};

/// More jobs than this need a yes.
pub(super) const MANY_JOBS: i64 = 10_000;

pub(super) async fn run(context: &Context, args: &EnqueueArgs) -> Result<Exit, Fault> {
    let wish = wish(args)?;
    let now = now();
    let today = kst_day(now);
    let open_from = context.config.schedule.settle.open_from(now);
    let control = context.database().await?;
    let wished = match (args.last, args.from.zip(args.to)) {
        (None, None) => all_wanted(context, &control, args, open_from).await?,
        (last, days) => resolve(last, days, today)?,
    };
    let range = whole_periods(wished, args.granularity, today)?;
    if range != wished {
        context.output.note(&format!("only whole {}s are planned: {range} of {wished}", args.granularity));
    }
    let selection = Selection {
        malls: select::malls(context, &control, args).await?,
        endpoints: select::endpoints(args),
        granularity: args.granularity,
        range,
        chunk_days: args.chunk_days,
        lane: args.lane.unwrap_or_else(|| default_lane(range)),
        wish,
        open_from,
    };
    selection.must_be_askable()?;
    let enqueue = Enqueue { context, args, control, selection };
    if enqueue.must_preview() {
        let preview = enqueue.plan(None).await?;
        if args.dry_run {
            return enqueue.show_dry_run(&preview);
        }
        if let Some(exit) = enqueue.agree(&preview)? {
            return Ok(exit);
        }
    }
    enqueue.go().await
}

/// From the first day that is wanted of any of the malls to the last that can be final.
async fn all_wanted(
    context: &Context,
    control: &Control,
    args: &EnqueueArgs,
    open_from: NaiveDate,
) -> Result<DayRange, Fault> {
    let filter = MallFilter { malls: args.malls.clone(), agency: None };
    let since = control.wanted_since(&filter).await.map_err(|error| context.store(error))?;
    let last = DayRange::last_finished(open_from, 1);
    Ok(since.and_then(|since| DayRange::new(since, last.end()).ok()).unwrap_or(last))
}

fn wish(args: &EnqueueArgs) -> Result<Wish, Fault> {
    match (args.missing, args.granularity) {
        (true, Granularity::Day) => Ok(Wish::Gaps { failed: args.failed }),
        (true, other) => Err(Fault::Range {
            what: format!("--missing fills gaps of days, not of {other}s"),
            why: "what is wanted of a mall is said in days".to_owned(),
            action: format!("--granularity {other} with --last or --from and --to"),
        }),
        (false, _) => Ok(if args.force { Wish::Force } else { Wish::Missing }),
    }
}

struct Enqueue<'a> {
    context: &'a Context,
    args: &'a EnqueueArgs,
    control: Control,
    selection: Selection,
}

impl Enqueue<'_> {
    /// Planning twice costs time, so only when its outcome decides something.
    fn must_preview(&self) -> bool {
        self.args.dry_run
            || self.args.plan.is_some()
            || !self.args.yes
                && (self.selection.range.days() > LONG_RANGE_DAYS
                    || i64::try_from(self.selection.most_jobs()).unwrap_or(i64::MAX) > MANY_JOBS)
    }

    /// Plans under `run`, or only counts; shows progress if it takes long.
    async fn plan(&self, run: Option<Uuid>) -> Result<Preview, Fault> {
        let open = match run {
            // Its own jobs will be among them, in their turn.
            Some(_) => Vec::new(),
            None => self.open().await.map_err(|error| self.context.store(error))?,
        };
        let mut progress = Progress::new(self.context.output, "plan");
        let mut malls_done = 0;
        let result = self
            .selection
            .plan(&self.control, run, |done, total| {
                malls_done = done;
                if total <= MALLS {
                    return;
                }
                let (done, total) = (i64::try_from(done).unwrap_or(0), i64::try_from(total).unwrap_or(0));
                progress.show(done, total, &format!("{}/{} malls", number(done), number(total)));
            })
            .await;
        drop(progress);
        let planned = result.map_err(|error| self.interrupted(error, run, malls_done))?;
        let pauses = self.control.endpoint_pauses(None).await.map_err(|error| self.context.store(error))?;
        let demands = match run {
            Some(run) => self.control.demand(DemandOf::Run(run)).await,
            None => Ok(planned_work(&planned.counts.by_key, self.selection.lane, &open)),
        };
        let demands = demands.map_err(|error| self.context.store(error))?;
        let terms = self.context.terms(&self.control, &demands).await?;
        let eta = eta(&demands, &terms);
        let key_is_mall = self.context.key_is_mall();
        Ok(Preview::new(&self.selection, &planned, &pauses, eta, terms.now, key_is_mall))
    }

    /// What waits already on the buckets of the malls.
    async fn open(&self) -> Result<Vec<Demand>, StoreError> {
        let keys: BTreeSet<_> = self.selection.malls.iter().map(|mall| mall.limiter_key.clone()).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        self.control.demand(DemandOf::Keys(&keys)).await
    }

    fn interrupted(&self, error: StoreError, run: Option<Uuid>, malls_done: usize) -> Fault {
        match run {
            Some(run) if malls_done > 0 => self.context.store_after(
                error,
                &format!(
                    "{malls_done} malls are planned as run {run}; the same command again plans the rest"
                ),
            ),
            _ => self.context.store(error),
        }
    }

    fn show_dry_run(&self, preview: &Preview) -> Result<Exit, Fault> {
        let output = self.context.output;
        self.unchanged(preview)?;
        if output.is_for_programs() {
            output.document(&Answer::preview(preview))?;
        } else {
            let again = again(&["--plan", &preview.id, "--yes"]);
            let run_it = if preview.jobs > 0 { format!("run it: {again}\n") } else { String::new() };
            output.answer(&(preview.text("nothing sent yet") + &run_it))?;
        }
        Ok(Exit::Done)
    }

    /// Refuses a plan that is not the one previewed.
    fn unchanged(&self, preview: &Preview) -> Result<(), Fault> {
        match &self.args.plan {
            Some(asked) if *asked != preview.id => Err(Fault::PlanChanged {
                asked: asked.clone(),
                now: preview.id.clone(),
                action: again(&["--dry-run"]),
            }),
            _ => Ok(()),
        }
    }

    /// Sees to a yes where one is needed; `Some`: how the program ends instead.
    fn agree(&self, preview: &Preview) -> Result<Option<Exit>, Fault> {
        self.unchanged(preview)?;
        let days = self.selection.range.days();
        let why = if days > LONG_RANGE_DAYS {
            format!("{} days are more than {}", number(days), number(LONG_RANGE_DAYS))
        } else if preview.jobs > MANY_JOBS {
            format!("{} jobs are more than {}", number(preview.jobs), number(MANY_JOBS))
        } else {
            return Ok(None);
        };
        if self.args.yes {
            return Ok(None);
        }
        let ask = Ask {
            plan: &preview.text("nothing sent yet"),
            question: Question::Words(&format!("{why}. Plan {}?", counted(preview.jobs, "job", "jobs"))),
            why,
            with: &["--plan", &preview.id, "--yes"],
            declined: "nothing was planned",
        };
        ask.of(self.context.output)
    }

    async fn go(&self) -> Result<Exit, Fault> {
        let run = Uuid::now_v7();
        let wish = self.wish();
        self.control.create_run(run, "enqueue", &wish).await.map_err(|error| self.context.store(error))?;
        let mut preview = self.plan(Some(run)).await?;
        let output = self.context.output;
        if let Some(asked) = self.args.plan.as_ref().filter(|asked| **asked != preview.id) {
            output.complain(&format!(
                "! somebody planned at the same time: this became plan {} instead of {asked}",
                preview.id
            ));
        }
        let mut answer = Answer::planned(&preview, run);
        if !output.is_for_programs() {
            output.answer(&preview.text(&format!("run {run}")))?;
        }
        let exit = if self.args.wait.is_some() {
            let carriers = Carriers::new(run, &std::mem::take(&mut preview.carriers));
            let limit = self.args.wait.flatten();
            let ended = wait::until_done(self.context, &self.control, run, carriers, limit).await?;
            self.say_end(&ended)?;
            let exit = ended.exit();
            answer.waited(ended);
            exit
        } else {
            let fed = self.feed(&preview, run).await?;
            self.say_fed(&preview, fed)?;
            answer.fed(fed);
            Exit::Done
        };
        if output.is_for_programs() {
            output.document(&answer)?;
        }
        Ok(exit)
    }

    /// What was asked for, as the run keeps it.
    fn wish(&self) -> serde_json::Value {
        let s = &self.selection;
        let malls = if self.args.all { json!("all") } else { json!(self.args.malls) };
        json!({
            "malls": malls, "from": s.range.start(), "to": s.range.end(), "granularity": s.granularity,
            "endpoints": s.endpoints_asked(), "chunk_days": s.chunk_days, "lane": s.lane, "force": self.args.force,
            "missing": self.args.missing, "failed": self.args.failed,
        })
    }

    async fn feed(&self, preview: &Preview, run: Uuid) -> Result<FeedReport, Fault> {
        if preview.jobs + preview.slices.in_work == 0 {
            return Ok(FeedReport::default());
        }
        let now = format!(
            "{} of run {run} are planned in Postgres, none is lost; a feeder hands them over",
            counted(preview.jobs, "job", "jobs")
        );
        feed::feed_once(&self.context.config, &self.control)
            .await
            .map_err(|error| self.context.feed(error, &now))
    }

    fn say_fed(&self, preview: &Preview, fed: FeedReport) -> Result<(), Fault> {
        let output = self.context.output;
        if preview.jobs + preview.slices.in_work == 0 {
            return Ok(());
        }
        if fed.leader_elsewhere {
            return if output.is_for_programs() {
                Ok(())
            } else {
                output.answer("  fed       by the feeder that runs")
            };
        }
        if !output.is_for_programs() {
            let published = i64::try_from(fed.published).unwrap_or(i64::MAX);
            output.answer(&format!(
                "  fed       {} handed to the workers' queues",
                counted(published, "job", "jobs")
            ))?;
        }
        output.note("no feeder runs: start `cafe24-sync serve`, or add --wait");
        Ok(())
    }

    fn say_end(&self, ended: &Ended) -> Result<(), Fault> {
        let output = self.context.output;
        if !output.is_for_programs() {
            output.answer(&ended.text())?;
        }
        if matches!(ended.end, End::TimedOut | End::Interrupted) && ended.progress.open() > 0 {
            output.note("the rest stays planned and goes on while `cafe24-sync serve` runs");
        }
        Ok(())
    }
}
