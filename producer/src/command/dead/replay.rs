//! `dead replay`: letters are planned again, unless their days were fetched since.

mod screen;

use std::time::Instant;

use common::clock::now;
use common::domain::job::Lane;
use common::store::{
    AuditEntry, Control, DemandOf, LetterFilter, LetterState, LetterSummary, Replay, StoreError,
};
use serde_json::json;
use tokio::signal::ctrl_c;
use uuid::Uuid;

use self::screen::Plan;
use super::which;
use crate::cli::DeadReplayArgs;
use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::command::{again, quote, runs};
use crate::dead::replay::{Replayed, pages};
use crate::fault::{Exit, Fault};
use crate::feed::feed_once;
use crate::output::json::Document;
use crate::output::progress::Progress;
use crate::output::text::{counted, number, short_time};
use crate::plan::eta::{eta, planned};

/// More letters than this wait behind fresh work unless the operator says otherwise.
const FRESH_LETTERS: i64 = 1_000;
/// More letters than this want their count typed.
const MANY: i64 = 1_000;

/// Why it ended before its end.
enum Stopped {
    Interrupted,
    Failed(StoreError),
}

pub(super) async fn run(context: &Context, control: &Control, args: DeadReplayArgs) -> Result<Exit, Fault> {
    if let Some(run) = &args.resume {
        let run = runs::named(context, control, run).await?;
        return resume(context, control, &args, run).await;
    }
    let mut filter = which::filter(context, control, &args.ids, &args.filter).await?;
    filter.states = vec![LetterState::Open];
    let summary = control.letter_summary(&filter).await.map_err(|error| context.store(error))?;
    if summary.letters == 0 {
        return nothing(context, control, &filter).await;
    }
    if summary.letters == summary.no_jobs {
        let why = "no job is known for it: there is nothing to fetch";
        return Err(not_replayable(context, control, &filter, why).await);
    }
    // What is archived while we look is not part of what was shown.
    filter.archived_until = Some(summary.as_of);
    let letters = summary.letters - summary.no_jobs;
    let lane = args.lane.unwrap_or(if letters > FRESH_LETTERS { Lane::Backfill } else { Lane::Fresh });
    let replay = Replay { filter, lane, per_second: args.rate };
    let this = Replaying { context, control, replay, total: letters, summary };
    let confirm = &args.confirm;
    let mut plan_id = None;
    if confirm.dry_run || confirm.plan.is_some() || !confirm.yes {
        let plan = this.preview().await?;
        unchanged(&plan, confirm.plan.as_deref())?;
        if confirm.dry_run {
            return this.show_dry_run(&plan);
        }
        if !confirm.yes
            && let Some(exit) = this.agree(&plan)?
        {
            return Ok(exit);
        }
        plan_id = Some(plan.id);
    }
    let run = Uuid::now_v7();
    this.begin(run, plan_id.as_deref(), json!({ "letters": letters })).await?;
    this.go(run).await
}

/// Goes on with a replay that ended before its end: what it has replayed is replayed, the rest is still open.
async fn resume(
    context: &Context,
    control: &Control,
    args: &DeadReplayArgs,
    run: Uuid,
) -> Result<Exit, Fault> {
    let known = control.replay_run(run).await.map_err(|error| context.store(error))?;
    let begun = known.ok_or_else(|| Fault::UnknownReplay(run.to_string()))?;
    let summary = control.letter_summary(&begun.replay.filter).await.map_err(|error| context.store(error))?;
    let total = summary.letters - summary.no_jobs;
    let this = Replaying { context, control, replay: begun.replay, total, summary };
    context.output.note(&format!(
        "run {run}: {} replayed before, {} are still open",
        counted(begun.letters, "letter was", "letters were"),
        number(total)
    ));
    if args.confirm.dry_run {
        let plan = this.preview().await?;
        return this.show_dry_run(&plan);
    }
    let entry = AuditEntry {
        actor: &Context::actor(),
        action: "dead.replay",
        mall: None,
        target: &run.to_string(),
        plan: None,
        details: json!({ "run": run, "taken_up": true, "letters": total }),
    };
    control.audit(&entry).await.map_err(|error| context.store(error))?;
    this.go(run).await
}

/// Nothing open is meant. Named letters that were replayed already say so.
async fn nothing(context: &Context, control: &Control, filter: &LetterFilter) -> Result<Exit, Fault> {
    if !filter.letters.is_empty() && filter.causes.is_empty() {
        return Err(not_replayable(context, control, filter, "it does not meet the other terms").await);
    }
    if context.output.is_for_programs() {
        let none =
            json!({ "run_id": null, "letters": 0, "jobs": 0, "requests": 0, "superseded": 0, "in_work": 0 });
        context.output.document(&Document::new(none, now()))?;
    } else {
        context.output.answer("no open letters: nothing to replay")?;
    }
    Ok(Exit::Done)
}

async fn not_replayable(
    context: &Context,
    control: &Control,
    filter: &LetterFilter,
    otherwise: &str,
) -> Fault {
    let any = LetterFilter { states: Vec::new(), ..filter.clone() };
    let letter = match control.letters(&any, None, 1).await {
        Ok(letters) => letters.into_iter().next(),
        Err(error) => return context.store(error),
    };
    let Some(letter) = letter else { return Fault::UnknownLetter("of these terms".to_owned()) };
    let why = match (letter.state.as_str(), letter.replay_run) {
        ("replayed", Some(run)) => format!("it was replayed at {} as run {run}", short_time(letter.state_at)),
        ("discarded" | "purged", _) => {
            format!("it was {} at {}: dead restore brings it back", letter.state, short_time(letter.state_at))
        }
        _ => otherwise.to_owned(),
    };
    Fault::NotReplayable { letter: letter.letter_id, why }
}

/// Refuses a plan that is not the one previewed.
fn unchanged(plan: &Plan, asked: Option<&str>) -> Result<(), Fault> {
    match asked {
        Some(asked) if asked != plan.id => {
            let action = again(&["--dry-run"]);
            Err(Fault::PlanChanged { asked: asked.to_owned(), now: plan.id.clone(), action })
        }
        _ => Ok(()),
    }
}

struct Replaying<'a> {
    context: &'a Context,
    control: &'a Control,
    replay: Replay,
    /// Letters to walk through.
    total: i64,
    summary: LetterSummary,
}

impl Replaying<'_> {
    async fn preview(&self) -> Result<Plan, Fault> {
        let mut progress = Progress::new(self.context.output, "plan");
        let walked = self.walk(None, &mut progress).await;
        drop(progress);
        match walked {
            Ok(replayed) => self.plan(&replayed, None).await,
            Err(Stopped::Failed(error)) => Err(self.context.store(error)),
            Err(Stopped::Interrupted) => {
                Err(Fault::Interrupted { now: "nothing was replayed".to_owned(), action: again(&[]) })
            }
        }
    }

    /// Walks through the letters until their end, a failure or, once there is a run to take up, Ctrl-C. While nothing has
    /// happened yet, and a question may follow, Ctrl-C ends the program as it does elsewhere.
    async fn walk(&self, run: Option<(Uuid, &str)>, progress: &mut Progress) -> Result<Replayed, Stopped> {
        let started = Instant::now();
        let total = self.total;
        let tick = |done: &Replayed| {
            if total > FRESH_LETTERS {
                let rate = f64::from(u32::try_from(done.letters).unwrap_or(u32::MAX))
                    / started.elapsed().as_secs_f64();
                let details = format!(
                    "{}/{} letters · {} · {rate:.0} letters/s",
                    number(done.letters),
                    number(total),
                    counted(done.counts.jobs, "job", "jobs"),
                );
                progress.show(done.letters, total, &details);
            }
        };
        let open_from = self.context.config.schedule.settle.open_from(now());
        tokio::select! {
            done = pages(self.control, run, &self.replay, open_from, tick) => done.map_err(Stopped::Failed),
            // A page that is under way is rolled back by Postgres, unless its commit is there already.
            Ok(()) = ctrl_c(), if run.is_some() => Err(Stopped::Interrupted),
        }
    }

    async fn plan(&self, replayed: &Replayed, run: Option<Uuid>) -> Result<Plan, Fault> {
        let keys: Vec<_> = replayed.counts.by_key.keys().cloned().collect();
        let demand =
            async |scope| self.control.demand(scope).await.map_err(|error| self.context.store(error));
        let demands = if let Some(run) = run {
            // Its jobs stand in the ledger, in their turn.
            demand(DemandOf::Run(run)).await?
        } else {
            planned(&replayed.counts.by_key, self.replay.lane, &demand(DemandOf::Keys(&keys)).await?)
        };
        let terms = self.context.terms(self.control, &demands).await?;
        Ok(Plan {
            id: replayed.id.clone(),
            letters: replayed.letters,
            malls: self.summary.malls,
            no_jobs: self.summary.no_jobs,
            left: replayed.left,
            wanted: replayed.counts.wanted,
            superseded: replayed.counts.complete,
            in_work: replayed.counts.in_work,
            jobs: replayed.counts.jobs,
            waiting: replayed.counts.parked,
            lane: self.replay.lane,
            per_second: self.replay.per_second,
            requests: replayed.counts.requests(),
            eta: eta(&demands, &terms),
            now: terms.now,
            key_is_mall: self.context.key_is_mall(),
        })
    }

    fn show_dry_run(&self, plan: &Plan) -> Result<Exit, Fault> {
        let output = self.context.output;
        if output.is_for_programs() {
            output.document(&Document::new(plan.json(None), now()))?;
        } else {
            let run_it = format!("run it: {}\n", again(&["--plan", &plan.id, "--yes"]));
            output.answer(&(plan.text("nothing replayed yet") + &run_it))?;
        }
        Ok(Exit::Done)
    }

    /// Sees to a yes; `Some`: how the program ends instead.
    fn agree(&self, plan: &Plan) -> Result<Option<Exit>, Fault> {
        let ask = Ask {
            plan: &plan.text("nothing replayed yet"),
            why: "a replay sends requests; there is no terminal to ask on".to_owned(),
            with: &["--plan", &plan.id, "--yes"],
            question: if plan.letters > MANY {
                Question::Typed(plan.letters.to_string())
            } else {
                Question::Words("Replay?")
            },
            declined: "nothing was replayed",
        };
        ask.of(self.context.output)
    }

    async fn begin(
        &self,
        run: Uuid,
        plan: Option<&str>,
        mut details: serde_json::Value,
    ) -> Result<(), Fault> {
        details["run"] = json!(run);
        let entry = AuditEntry {
            actor: &Context::actor(),
            action: "dead.replay",
            mall: None,
            target: &which::words(&self.replay.filter),
            plan,
            details,
        };
        let begun = self.control.begin_replay(run, &self.replay, &entry).await;
        begun.map_err(|error| self.context.store(error))
    }

    async fn go(&self, run: Uuid) -> Result<Exit, Fault> {
        let actor = Context::actor();
        let mut progress = Progress::new(self.context.output, "replay");
        let walked = self.walk(Some((run, &actor)), &mut progress).await;
        drop(progress);
        let replayed = match walked {
            Ok(replayed) => replayed,
            Err(stopped) => return Err(self.stopped(run, stopped).await),
        };
        let plan = self.plan(&replayed, Some(run)).await?;
        let output = self.context.output;
        if output.is_for_programs() {
            output.document(&Document::new(plan.json(Some(run)), now()))?;
        } else {
            output.answer(&plan.text(&format!("run {run}")))?;
        }
        let planned = format!("{} of run {run} are planned, none is lost", counted(plan.jobs, "job", "jobs"));
        let fed = feed_once(&self.context.config, self.control)
            .await
            .map_err(|error| self.context.feed(error, &planned))?;
        if !fed.leader_elsewhere && plan.jobs > 0 {
            output.note("no feeder runs: start `cafe24-sync serve`");
        }
        Ok(Exit::Done)
    }

    /// Says how far it came and how it goes on.
    async fn stopped(&self, run: Uuid, stopped: Stopped) -> Fault {
        let action = format!("cafe24-sync dead replay --resume {}", quote(&run.to_string()));
        let done = match self.control.replay_run(run).await {
            Ok(Some(done)) => format!(
                "{} replayed as run {run}, with {}; the rest is still open",
                counted(done.letters, "letter is", "letters are"),
                counted(done.jobs, "job", "jobs")
            ),
            _ => format!("what was replayed belongs to run {run}; the rest is still open"),
        };
        match stopped {
            Stopped::Interrupted => Fault::Interrupted { now: done, action },
            Stopped::Failed(error) => {
                self.context.store_after(error, &format!("{done}; go on with: {action}"))
            }
        }
    }
}
