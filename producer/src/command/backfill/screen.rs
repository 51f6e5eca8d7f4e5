//! Backfills as people and programs read them.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::Line;
use crate::fault::Fault;
use crate::output::json::with_times;
use crate::output::paint::{bold, dim};
use crate::output::plain::tsv;
use crate::output::table::{Align, table};
use crate::output::text::{json_time, number, short_time};
use crate::plan::eta::{clock, rate};

const COLUMNS: [(&str, Align); 9] = [
    ("RUN", Align::Left),
    ("KIND", Align::Left),
    ("ASKED", Align::Left),
    ("DONE", Align::Right),
    ("QUEUED", Align::Right),
    ("FAILED", Align::Right),
    ("LEFT", Align::Right),
    ("RATE", Align::Right),
    ("ETA", Align::Left),
];

impl Line {
    /// Jobs a second in the last minute.
    fn rate(&self) -> String {
        let recent = f64::from(u32::try_from(self.run.recent).unwrap_or(u32::MAX));
        format!("{}/s", rate(recent / 60.0))
    }

    fn end(&self, now: DateTime<Utc>) -> String {
        match &self.eta {
            Some(eta) => eta.done(now).map_or_else(|| "?".to_owned(), |done| clock(done, now)),
            None if self.run.left() > 0 => "parked".to_owned(),
            None => "–".to_owned(),
        }
    }

    fn cells(&self, now: DateTime<Utc>, asked: String, count: impl Fn(i64) -> String) -> Vec<String> {
        let run = &self.run;
        let mut cells = vec![run.run_id.to_string(), run.kind.clone(), asked];
        cells.extend([run.done, run.queued, run.failed, run.left()].map(count));
        cells.extend([self.rate(), self.end(now)]);
        cells
    }
}

pub(super) fn item(line: &Line, now: DateTime<Utc>) -> Result<serde_json::Value, Fault> {
    let mut item = with_times(&line.run, &[("created_at", Some(line.run.created_at))])?;
    item["left"] = line.run.left().into();
    item["eta"] = line.eta.as_ref().map_or(serde_json::Value::Null, |eta| eta.json(now));
    Ok(item)
}

pub(super) fn plain(lines: &[Line], now: DateTime<Utc>) -> String {
    let rows: Vec<_> = lines
        .iter()
        .map(|line| line.cells(now, json_time(line.run.created_at), |count| count.to_string()))
        .collect();
    tsv(&["run_id", "kind", "created_at", "done", "queued", "failed", "left", "rate", "eta"], &rows)
}

pub(super) fn text(lines: &[Line], now: DateTime<Utc>) -> String {
    let rows: Vec<_> =
        lines.iter().map(|line| line.cells(now, short_time(line.run.created_at), number)).collect();
    table(&COLUMNS, &rows)
}

/// One run with all its counts, and what sets its end.
pub(super) fn whole(line: &Line, now: DateTime<Utc>, key_is_mall: bool) -> String {
    let run = &line.run;
    let mut out = format!("{}   {} at {}\n", bold(run.run_id), run.kind, short_time(run.created_at));
    let mut row = |label: &str, text: String| {
        let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<10}")));
    };
    let counts = [
        (run.done, "done"),
        (run.queued, "queued"),
        (run.planned, "waiting"),
        (run.parked, "parked"),
        (run.failed, "failed"),
        (run.cancelled, "dropped"),
    ];
    let counts = counts.map(|(count, word)| format!("{} {word}", number(count)));
    row("jobs", format!("{} planned: {}", number(run.jobs), counts.join(" · ")));
    row("rate", format!("{} in the last minute", line.rate()));
    let end = match &line.eta {
        Some(eta) => eta.end_words(now, key_is_mall),
        None if run.left() > 0 => "all that is left is parked → cafe24-sync malls list".to_owned(),
        None => "over".to_owned(),
    };
    row("ETA", end);
    out
}

#[cfg(test)]
mod tests {
    use common::store::Backfill;
    use uuid::Uuid;

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::paint::bare;
    use crate::plan::eta::{Bound, Eta};

    #[test]
    fn a_backfill_says_how_far_it_is_and_what_sets_its_end() {
        let run = Backfill {
            run_id: Uuid::from_u128(0x0199_c1e2_6f0a_7000_8000_0000_0000_0001),
            kind: "enqueue".to_owned(),
            created_at: at(),
            jobs: 7_280,
            done: 6_100,
            failed: 3,
            cancelled: 0,
            parked: 4,
            queued: 43,
            planned: 1_130,
            recent: 118,
        };
        let eta = Eta {
            seconds: Some(539),
            key: "moonlit".to_owned().try_into().expect("a key"),
            requests: 1_080,
            before: 12,
            tokens: Some(2),
            per_second: 2.0,
            bound: Bound::Budget,
        };
        let parked = Backfill { queued: 0, planned: 0, recent: 0, ..run.clone() };
        let lines = [Line { run, eta: Some(eta) }, Line { run: parked, eta: None }];
        let shown = text(&lines, at()) + &whole(&lines[0], at(), true) + &whole(&lines[1], at(), true);
        assert_eq!(bare(&shown), include_str!("../../../tests/golden/backfill.txt"));
        assert_eq!(item(&lines[0], at()).expect("a document")["eta"]["done_at"], "2026-02-16T10:50:59+09:00");
    }
}
