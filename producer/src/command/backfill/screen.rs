//! Backfills as people and programs read them.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::Line;
use crate::fault::Fault;
use crate::output::json::with_times;
use crate::output::paint::{bold, command, dim};
use crate::output::plain::UNKNOWN;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{number, short_time};
use crate::plan::eta::rate;
use crate::remedy::WHY_PAUSED;

const COLUMNS: [Column; 14] = [
    Column::left("RUN", "run_id"),
    Column::left("KIND", "kind").may_go(2),
    Column::left("ASKED", "created_at").may_go(1),
    Column::plain("jobs"),
    Column::right("DONE", "done"),
    Column::right("QUEUED", ""),
    Column::plain("queued"),
    Column::plain("planned"),
    Column::right("PAUSED", "parked"),
    Column::right("FAILED", "failed"),
    Column::plain("cancelled"),
    Column::right("LEFT", "left").may_go(4),
    Column::right("RATE", "per_second").may_go(3),
    Column::left("ETA", "done_at"),
];

impl Line {
    /// Jobs a second in the last minute.
    fn per_second(&self) -> String {
        let recent = f64::from(u32::try_from(self.run.recent).unwrap_or(u32::MAX));
        rate(recent / 60.0)
    }

    fn end(&self, now: DateTime<Utc>) -> Cell {
        match &self.eta {
            Some(eta) => eta.cell(now),
            None if self.run.left() > 0 => Cell::new("paused", UNKNOWN),
            // A run that was cancelled is no run that is done.
            None if self.run.cancelled > 0 => {
                Cell::none().shown_as(format!("{} dropped", number(self.run.cancelled)))
            }
            None => Cell::none(),
        }
    }

    fn cells(&self, now: DateTime<Utc>) -> Vec<Cell> {
        let run = &self.run;
        let per_second = self.per_second();
        vec![
            run.run_id.to_string().into(),
            run.kind.as_str().into(),
            Cell::time(run.created_at),
            Cell::count(run.jobs),
            Cell::count(run.done),
            Cell::count(run.queued + run.planned),
            Cell::count(run.queued),
            Cell::count(run.planned),
            Cell::count(run.parked),
            Cell::count(run.failed),
            Cell::count(run.cancelled),
            Cell::count(run.left()),
            Cell::new(format!("{per_second}/s"), per_second),
            self.end(now),
        ]
    }
}

pub(super) fn item(line: &Line, now: DateTime<Utc>) -> Result<serde_json::Value, Fault> {
    let mut item = with_times(&line.run, &[("created_at", Some(line.run.created_at))])?;
    item["left"] = line.run.left().into();
    item["eta"] = line.eta.as_ref().map_or(serde_json::Value::Null, |eta| eta.json(now));
    Ok(item)
}

pub(super) fn table(lines: &[Line], now: DateTime<Utc>) -> Table {
    Table::new(&COLUMNS, lines.iter().map(|line| line.cells(now)))
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
        (run.queued + run.planned, "queued"),
        (run.parked, "paused"),
        (run.failed, "failed"),
        (run.cancelled, "dropped"),
    ];
    let counts = counts.map(|(count, word)| format!("{} {word}", number(count)));
    row("jobs", format!("{}: {}", number(run.jobs), counts.join(" · ")));
    row("rate", format!("{}/s in the last minute", line.per_second()));
    let end = match &line.eta {
        Some(eta) => eta.end_words(now, key_is_mall),
        None if run.left() > 0 => {
            format!("all that is left is paused → {}", command(WHY_PAUSED))
        }
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
    use crate::output::golden::golden;
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
        let dropped = Backfill { cancelled: 4, parked: 0, ..parked.clone() };
        let lines =
            [Line { run, eta: Some(eta) }, Line { run: parked, eta: None }, Line { run: dropped, eta: None }];
        let each = lines.each_ref().map(|line| whole(line, at(), true));
        golden("backfill", |width| table(&lines, at()).text(width) + &each.concat());
        assert_eq!(item(&lines[0], at()).expect("a document")["eta"]["done_at"], "2026-02-16T10:50:59+09:00");
    }
}
