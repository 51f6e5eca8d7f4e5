//! `dead discard`, `purge` and `restore`: counts first, then a yes; what was shown is what is changed.

use std::fmt::Write;

use chrono::{DateTime, Duration, Utc};
use common::clock::now;
use common::store::{AuditEntry, Change, Control, LetterFilter, LetterState, LetterSummary};
use serde_json::{Value, json};

use super::which;
use crate::cli::{ConfirmArgs, DeadDiscardArgs, DeadPurgeArgs, DeadRestoreArgs};
use crate::command::again;
use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;
use crate::output::paint::{bold, dim};
use crate::output::progress::Progress;
use crate::output::text::{counted, number, short_time};
use crate::plan::digest::Digest;

/// More letters than this want their count typed.
const MANY: i64 = 1_000;
/// How long a purge can be taken back.
const UNDO_DAYS: i64 = 7;

pub(super) async fn discard(
    context: &Context,
    control: &Control,
    args: DeadDiscardArgs,
) -> Result<Exit, Fault> {
    let filter = which::filter(context, control, &args.ids, &args.filter).await?;
    let wanted = Wanted { change: Change::Discard, filter, states: Vec::new(), reason: Some(args.reason) };
    wanted.run(context, control, &args.confirm).await
}

pub(super) async fn purge(context: &Context, control: &Control, args: DeadPurgeArgs) -> Result<Exit, Fault> {
    let mut filter = which::filter(context, control, &[], &args.filter).await?;
    let older = now() - Duration::days(i64::from(args.older_than));
    filter.until = Some(filter.until.map_or(older, |until| until.min(older)));
    let wanted = Wanted { change: Change::Purge, filter, states: args.state.0, reason: args.reason };
    wanted.run(context, control, &args.confirm).await
}

pub(super) async fn restore(
    context: &Context,
    control: &Control,
    args: DeadRestoreArgs,
) -> Result<Exit, Fault> {
    let filter = which::filter(context, control, &args.ids, &args.filter).await?;
    let wanted = Wanted { change: Change::Restore, filter, states: args.state.0, reason: None };
    wanted.run(context, control, &args.confirm).await
}

struct Wanted {
    change: Change,
    filter: LetterFilter,
    /// As asked for; none: all that the change can leave.
    states: Vec<LetterState>,
    reason: Option<String>,
}

impl Wanted {
    async fn run(
        mut self,
        context: &Context,
        control: &Control,
        confirm: &ConfirmArgs,
    ) -> Result<Exit, Fault> {
        let from = self.change.from();
        self.filter.states = from
            .iter()
            .copied()
            .filter(|state| self.states.is_empty() || self.states.contains(state))
            .collect();
        let output = context.output;
        let summary = if self.filter.states.is_empty() {
            None
        } else {
            Some(control.letter_summary(&self.filter).await.map_err(|error| context.store(error))?)
        };
        let Some(summary) = summary.filter(|summary| summary.letters > 0) else {
            if output.is_for_programs() {
                output.document(&Document::new(json!({ "letters": 0, "changed": 0 }), now()))?;
            } else {
                output.answer(&format!("no such letters: nothing to {}", self.change.as_str()))?;
            }
            return Ok(Exit::Done);
        };
        let plan = Plan { change: self.change, id: plan_id(self.change, &summary), summary, now: now() };
        if let Some(asked) = confirm.plan.as_ref().filter(|asked| **asked != plan.id) {
            let action = again(&["--dry-run"]);
            return Err(Fault::PlanChanged { asked: asked.clone(), now: plan.id, action });
        }
        if confirm.dry_run {
            if output.is_for_programs() {
                output.document(&Document::new(plan.json(), now()))?;
            } else {
                let run_it = format!("run it: {}\n", again(&["--plan", &plan.id, "--yes"]));
                output.answer(&(plan.text("nothing changed yet") + &run_it))?;
            }
            return Ok(Exit::Done);
        }
        // A restore loses nothing: the letters can be put aside again.
        if !confirm.yes
            && self.change != Change::Restore
            && let Some(exit) = agree(context, &plan)?
        {
            return Ok(exit);
        }
        self.go(context, control, &plan).await
    }

    async fn go(mut self, context: &Context, control: &Control, plan: &Plan) -> Result<Exit, Fault> {
        let target = which::words(&self.filter);
        // What is archived after the preview is not part of it.
        self.filter.archived_until = Some(plan.summary.as_of);
        let entry = AuditEntry {
            actor: &Context::actor(),
            action: match self.change {
                Change::Discard => "dead.discard",
                Change::Purge => "dead.purge",
                Change::Restore => "dead.restore",
            },
            mall: None,
            target: &target,
            plan: Some(&plan.id),
            details: json!({ "reason": self.reason }),
        };
        let mut progress = Progress::new(context.output, self.change.as_str());
        let (total, mut done) = (plan.summary.letters, 0);
        let tick = |changed| {
            done = changed;
            if total > MANY {
                progress.show(changed, total, &format!("{}/{} letters", number(changed), number(total)));
            }
        };
        let changed =
            control.change_letters(self.change, &self.filter, self.reason.as_deref(), &entry, tick).await;
        drop(progress);
        let changed = changed.map_err(|error| {
            let done = counted(done, "letter was", "letters were");
            context.store_after(error, &format!("{done} changed; the same command again changes the rest"))
        })?;
        let output = context.output;
        if output.is_for_programs() {
            let mut content = plan.json();
            content["changed"] = changed.into();
            output.document(&Document::new(content, now()))?;
        } else {
            output.answer(&plan.text(&format!("{} changed", counted(changed, "letter", "letters"))))?;
        }
        Ok(Exit::Done)
    }
}

fn plan_id(change: Change, summary: &LetterSummary) -> String {
    Digest::of(&format!("{} {} {}", change.as_str(), summary.letters, summary.digest)).short()
}

/// Sees to a yes; `Some`: how the program ends instead.
fn agree(context: &Context, plan: &Plan) -> Result<Option<Exit>, Fault> {
    let letters = plan.summary.letters;
    let words = format!("{} {}?", verb(plan.change), counted(letters, "letter", "letters"));
    let ask = Ask {
        plan: &plan.text("nothing changed yet"),
        why: format!(
            "{} of letters takes them out of sight; there is no terminal to ask on",
            noun(plan.change)
        ),
        with: &["--plan", &plan.id, "--yes"],
        question: if plan.change == Change::Purge || letters > MANY {
            Question::Typed(letters.to_string())
        } else {
            Question::Words(&words)
        },
        declined: "nothing was changed",
    };
    ask.of(context.output)
}

fn noun(change: Change) -> &'static str {
    match change {
        Change::Discard => "a discard",
        Change::Purge => "a purge",
        Change::Restore => "a restore",
    }
}

fn verb(change: Change) -> &'static str {
    match change {
        Change::Discard => "Discard",
        Change::Purge => "Purge",
        Change::Restore => "Restore",
    }
}

struct Plan {
    change: Change,
    id: String,
    summary: LetterSummary,
    now: DateTime<Utc>,
}

impl Plan {
    fn text(&self, note: &str) -> String {
        let s = &self.summary;
        let mut out = format!(
            "{}   {} {} · {} · {}{}\n",
            bold(format!("plan {}", self.id)),
            self.change.as_str(),
            counted(s.letters, "letter", "letters"),
            counted(s.groups, "cause", "causes"),
            counted(s.malls, "mall", "malls"),
            noted(note),
        );
        if let (Some(first), Some(last)) = (s.first, s.last) {
            let _ = writeln!(out, "  {}{} … {}", dim("died      "), short_time(first), short_time(last));
        }
        let after = match self.change {
            Change::Discard => {
                "they leave the list; dead restore brings them back until dead.keep is over".to_owned()
            }
            Change::Purge => format!(
                "deleted for good after {} KST; until then: cafe24-sync dead restore --all --state purged",
                short_time(self.now + Duration::days(UNDO_DAYS))
            ),
            Change::Restore => "they go back to where they were".to_owned(),
        };
        let _ = writeln!(out, "  {}{after}", dim("then      "));
        out
    }

    fn json(&self) -> Value {
        let s = &self.summary;
        json!({
            "plan": self.id, "change": self.change.as_str(), "letters": s.letters, "groups": s.groups, "malls": s.malls,
            "first_died_at": s.first.map(crate::output::text::json_time),
            "last_died_at": s.last.map(crate::output::text::json_time),
        })
    }
}

/// A remark at the end of a line.
fn noted(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!("   {}", dim(note)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    #[test]
    fn h03_counts_come_first_and_say_until_when_it_can_be_taken_back() {
        let summary = LetterSummary {
            letters: 1_204,
            no_jobs: 0,
            malls: 40,
            groups: 3,
            first: Some(at() - Duration::days(130)),
            last: Some(at() - Duration::days(91)),
            digest: "1".to_owned(),
            as_of: at(),
        };
        let mut out = String::new();
        for change in [Change::Discard, Change::Purge, Change::Restore] {
            let plan = Plan { change, id: plan_id(change, &summary), summary: summary.clone(), now: at() };
            out += &plan.text("nothing changed yet");
        }
        golden("dead_change", |_| out.clone());
    }
}
