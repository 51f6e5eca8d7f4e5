//! `dead show`: a letter with its history, what probably happened, and what to do; a group with its newest letter.

use std::fmt::Write;

use chrono::DateTime;
use common::clock::now;
use common::store::{Control, DeadLetter, LetterFilter, LetterGroup, LetterState, RunProgress};
use serde_json::{Value, json};

use super::document;
use super::screen::{short_id, subject};
use super::which::{Named, named};
use crate::command::context::Context;
use crate::dead::remedy::{Remedy, remedy};
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, with_times};
use crate::output::paint::{bold, command, dim};
use crate::output::text::{clean, counted, number, short, short_time};

/// Characters of an answer or a message that are shown.
const SHOWN: usize = 300;
/// Attempts that are shown; documents have all that are kept.
const ATTEMPTS: usize = 5;

/// Everything that is said of a letter.
struct Told {
    letter: DeadLetter,
    /// How far its replay is.
    replay: Option<RunProgress>,
    /// The group, if it was asked for.
    group: Option<LetterGroup>,
    /// All kept bytes of the message, if asked for.
    body: Option<Vec<u8>>,
}

pub(super) async fn run(context: &Context, control: &Control, id: &str, body: bool) -> Result<Exit, Fault> {
    let (letter, group) = match named(context, control, id).await? {
        Named::Letter(letter) => (*letter, None),
        Named::Group(name) => newest(context, control, name, id).await?,
    };
    let store = |error| context.store(error);
    let replay = match letter.replay_run {
        Some(run) => Some(control.run_progress(run).await.map_err(store)?),
        None => None,
    };
    let body = if body { control.letter_body(letter.letter_id).await.map_err(store)? } else { None };
    let told = Told { letter, replay, group, body };
    if context.output.is_for_programs() {
        context.output.document(&Document::new(json(&told)?, now()))?;
    } else {
        context.output.answer(&text(&told))?;
    }
    Ok(Exit::Done)
}

/// A group's newest letter: an open one, or, where there is none, whichever died last.
async fn newest(
    context: &Context,
    control: &Control,
    name: String,
    id: &str,
) -> Result<(DeadLetter, Option<LetterGroup>), Fault> {
    let mut filter =
        LetterFilter { causes: vec![name], states: vec![LetterState::Open], ..LetterFilter::default() };
    loop {
        let mut letters = control.letters(&filter, None, 1).await.map_err(|error| context.store(error))?;
        if let Some(letter) = letters.pop() {
            let mut groups = control.letter_groups(&filter, 1).await.map_err(|error| context.store(error))?;
            return Ok((letter, groups.pop()));
        }
        if filter.states.is_empty() {
            return Err(Fault::UnknownLetter(id.chars().take(40).collect()));
        }
        filter.states.clear();
    }
}

fn status(letter: &DeadLetter) -> Option<i64> {
    letter.evidence.as_ref()?.get("status")?.as_i64()
}

fn json(told: &Told) -> Result<Value, Fault> {
    let letter = &told.letter;
    let mut value = document(letter)?;
    let Remedy { cause, action } = remedy(&letter.class, status(letter), &letter.reason);
    value["likely_cause"] = cause.into();
    value["remedy"] = action.into();
    value["replay"] = json!(told.replay);
    if let Some(group) = &told.group {
        value["of_group"] = with_times(group, &[("first", Some(group.first)), ("last", Some(group.last))])?;
    }
    if let Some(body) = &told.body {
        value["body"] = String::from_utf8_lossy(body).into();
    }
    Ok(value)
}

fn text(told: &Told) -> String {
    let letter = &told.letter;
    let mut out = String::new();
    if let Some(group) = &told.group {
        let head = format!("group {}", group.group);
        let letters = counted(group.letters, "letter", "letters");
        let _ = writeln!(out, "{}  {}", bold(head), clean(&group.cause));
        let malls = counted(group.malls, "mall", "malls");
        let times = format!("{} … {}", short_time(group.first), short_time(group.last));
        let _ = writeln!(out, "  {}{letters} of {malls} · died {times} · the newest:", dim("letters  "));
    }
    let head = format!("{} {}", if letter.job_id.is_some() { "job" } else { "letter" }, letter.letter_id);
    let _ = writeln!(out, "{}  {}", bold(head), clean(&subject(letter)));
    let mut row = |label: &str, text: &str| {
        let _ = writeln!(out, "  {}{}", dim(format_args!("{label:<9}")), clean(text));
    };
    row("what", &letter.reason);
    row("class", &class(letter));
    let Remedy { cause, action } = remedy(&letter.class, status(letter), &letter.reason);
    row("likely", cause);
    let shown = if told.body.is_some() { usize::MAX } else { SHOWN };
    for (name, text) in evidence(letter, shown) {
        row(&name, &text);
    }
    if told.body.is_some() || letter.job_id.is_none() {
        row("message", &message(told));
    }
    for line in history(letter) {
        row("attempt", &line);
    }
    if let Some(line) = standing(told) {
        row("state", &line);
    }
    row("do", action);
    if letter.state == "open" {
        let name = told.group.as_ref().map_or_else(|| short_id(letter), |group| group.group.clone());
        if letter.job_id.is_some() {
            let replay = command(format!("cafe24-sync dead replay {name}"));
            let _ = writeln!(out, "           mended?      {replay}");
        }
        let discard = command(format!("cafe24-sync dead discard {name} --reason '…'"));
        let _ = writeln!(out, "           not wanted?  {discard}");
    } else if letter.state != "replayed" {
        let restore = command(format!("cafe24-sync dead restore {}", short_id(letter)));
        let _ = writeln!(out, "           wanted after all?  {restore}");
    }
    out
}

fn class(letter: &DeadLetter) -> String {
    let mut parts = vec![
        letter.class.replace('_', " "),
        counted(i64::from(letter.attempts), "attempt", "attempts"),
        format!("died {}", short_time(letter.died_at)),
        format!("group {}", letter.group),
    ];
    if letter.round > 1 {
        parts.push(format!(
            "round {}: {} failed before",
            letter.round,
            counted(i64::from(letter.round - 1), "replay", "replays")
        ));
    }
    parts.join(" · ")
}

/// The evidence field by field: what is nested stays JSON.
fn evidence(letter: &DeadLetter, shown: usize) -> Vec<(String, String)> {
    let Some(Value::Object(fields)) = &letter.evidence else { return Vec::new() };
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let name = if name == "body_head" { "answer".to_owned() } else { short(name, 8) };
            (name, short(&text, shown))
        })
        .collect()
}

fn message(told: &Told) -> String {
    let letter = &told.letter;
    let all = number(letter.body_bytes);
    match &told.body {
        Some(body) => {
            let kept = i64::try_from(body.len()).unwrap_or(i64::MAX);
            let cut = if kept < letter.body_bytes {
                format!("  ({} of {all} bytes kept)", number(kept))
            } else {
                format!("  ({all} bytes)")
            };
            String::from_utf8_lossy(body).into_owned() + &cut
        }
        None => format!("{}  ({all} bytes; --body shows all that is kept)", short(&letter.body, SHOWN)),
    }
}

/// The last failed attempts, newest first.
fn history(letter: &DeadLetter) -> Vec<String> {
    let Some(entries) = letter.history.as_array() else { return Vec::new() };
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = entries
        .iter()
        .rev()
        .take(ATTEMPTS)
        .map(|entry| {
            let at = text(entry, "at").parse::<DateTime<chrono::Utc>>().map(short_time).unwrap_or_default();
            let class = text(entry, "class").replace('_', " ");
            format!(
                "{at}  {class}: {}  ({})",
                short(&text(entry, "text"), 80),
                short(&text(entry, "worker"), 40)
            )
        })
        .collect();
    if entries.len() > ATTEMPTS {
        lines.push(format!("{} earlier ones: --json", entries.len() - ATTEMPTS));
    }
    lines
}

/// What became of a letter that is no longer open.
fn standing(told: &Told) -> Option<String> {
    let letter = &told.letter;
    if letter.state == "open" {
        return None;
    }
    let by = letter.state_by.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
    let mut line = format!("{} {}{by}", letter.state, short_time(letter.state_at));
    if let Some(reason) = &letter.state_reason {
        let _ = write!(line, ": {reason}");
    }
    if let (Some(run), Some(progress)) = (letter.replay_run, &told.replay) {
        let jobs = counted(progress.jobs, "job", "jobs");
        let _ = write!(line, " as run {run}: {} of {jobs} done", number(progress.done));
        for (count, word) in [
            (progress.open(), "queued or running"),
            (progress.parked, "paused"),
            (progress.failed, "failed again"),
        ] {
            if count > 0 {
                let _ = write!(line, ", {} {word}", number(count));
            }
        }
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::screen::tests::{group, letter};
    use super::*;
    use crate::output::golden::golden;

    fn told(letter: DeadLetter) -> Told {
        Told { letter, replay: None, group: None, body: None }
    }

    #[test]
    fn a_letter_shows_what_was_asked_what_came_back_and_what_to_do() {
        golden("dead_show", |_| text(&told(letter())));
    }

    #[test]
    fn a_group_shows_its_newest_letter() {
        let told = Told { group: Some(group()), ..told(letter()) };
        golden("dead_show_group", |_| text(&told));
    }

    #[test]
    fn a_replayed_letter_tells_how_its_replay_is_and_how_often_it_came_back() {
        let mut letter = letter();
        letter.state = "replayed".to_owned();
        letter.state_by = Some("kim@ops".to_owned());
        letter.round = 2;
        letter.replay_run = Some(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0009));
        let replay = RunProgress { jobs: 3, done: 2, failed: 1, ..RunProgress::default() };
        let told = Told { replay: Some(replay), ..told(letter) };
        golden("dead_show_replayed", |_| text(&told));
    }

    #[test]
    fn a_message_that_was_cut_says_so() {
        let mut unreadable = letter();
        (unreadable.job_id, unreadable.evidence) = (None, None);
        unreadable.body_bytes = 3_000_000;
        let told = Told { body: Some(vec![b'['; 40]), ..told(unreadable) };
        assert!(text(&told).contains("(40 of 3,000,000 bytes kept)"), "{}", text(&told));
    }
}
