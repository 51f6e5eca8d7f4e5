//! `coverage --restatements`: how far figures moved, in words.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::domain::calendar::DayRange;
use common::store::{AgeMove, PartialShare};
use serde_json::{Value, json};

use crate::output::paint::{bold, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{clean, headline_time, number};

/// Hours of a day that are shown.
const HOURS: [i32; 5] = [6, 10, 14, 18, 22];

const COLUMNS: [Column; 9] = [
    Column::left("ENDPOINT", "endpoint"),
    Column::left("FIGURE", "field"),
    Column::right("AFTER", "after_days"),
    Column::plain("slices"),
    Column::plain("changed"),
    Column::right("CHANGED", ""),
    Column::right("MEAN MOVE", "mean_move"),
    Column::right("MOST", "max_move"),
    Column::right("ALL IN ALL", "total_move").may_go(1),
];

/// `3.1 %`, with a sign if `signed`.
fn percent(share: Option<f64>, signed: bool) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if signed && share > 0.0 => format!("+{:.2} %", share * 100.0),
        Some(share) => format!("{:.2} %", share * 100.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn share(moved: &AgeMove) -> Option<f64> {
    (moved.slices > 0).then(|| moved.changed as f64 / moved.slices as f64)
}

/// For people.
pub(super) fn text(
    moves: &[AgeMove],
    shares: &[PartialShare],
    range: DayRange,
    lookback: u32,
    now: DateTime<Utc>,
    width: Option<usize>,
) -> String {
    let head = bold(format!("restatements · {range} (KST)"));
    let mut out = format!("{head}   {}\n", dim(headline_time(now)));
    if moves.is_empty() {
        out.push_str(
            "no day was fetched both before and after an age of 1, 2, 3 or 7 days: nothing is known yet\n",
        );
    } else {
        out.push_str(&table(moves).text(width));
        let _ = writeln!(
            out,
            "after N d: of the days that were fetched before and after that age, those that changed after it.\n\
             schedule.lookback = \"{lookback}d\" looks at a day until the morning {lookback} days after it; what changes later \
             is left to the sweep."
        );
    }
    let mut by_figure: BTreeMap<(&str, &str), Vec<&PartialShare>> = BTreeMap::new();
    for share in shares.iter().filter(|share| HOURS.contains(&share.hour)) {
        by_figure.entry((&share.endpoint, &share.field)).or_default().push(share);
    }
    if !by_figure.is_empty() {
        let _ =
            writeln!(out, "\n{}", bold("what a day that is not over has of its final figures (all malls)"));
        for ((endpoint, field), shares) in by_figure {
            let hours: Vec<_> = shares
                .iter()
                .map(|share| format!("{:02}:00 {:.0} %", share.hour, share.mean_share * 100.0))
                .collect();
            let _ = writeln!(out, "  {:<10} {:<17}{}", clean(endpoint), clean(field), hours.join(" · "));
        }
    }
    out
}

/// For programs.
pub(super) fn document(moves: &[AgeMove], shares: &[PartialShare], range: DayRange) -> Value {
    json!({ "from": range.start(), "to": range.end(), "moves": moves, "partial": shares })
}

/// A line a figure and age.
pub(super) fn table(moves: &[AgeMove]) -> Table {
    let of = |share: Option<f64>, signed| {
        share.map_or_else(Cell::none, |value| Cell::new(percent(Some(value), signed), value.to_string()))
    };
    let row = |moved: &AgeMove| {
        vec![
            moved.endpoint.as_str().into(),
            Cell::text_or_none(moved.field.as_deref()),
            Cell::new(format!("{} d", moved.after_days), moved.after_days.to_string()),
            Cell::count(moved.slices),
            Cell::count(moved.changed),
            format!("{} of {} days", percent(share(moved), false), number(moved.slices)).into(),
            of(moved.mean_move, false),
            of(moved.max_move, false),
            of(moved.total_move, true),
        ]
    };
    Table::new(&COLUMNS, moves.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::super::count::tests::day;
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    fn moved(field: &str, after_days: i32, changed: i64, mean: f64, max: f64, total: f64) -> AgeMove {
        AgeMove {
            endpoint: if field == "impressions" { "visitors" } else { "products" }.to_owned(),
            field: Some(field.to_owned()),
            after_days,
            slices: 1_240,
            changed,
            mean_move: Some(mean),
            max_move: Some(max),
            total_move: Some(total),
        }
    }

    fn range() -> DayRange {
        DayRange::new(day("2025-12-19"), day("2026-02-16")).expect("in order")
    }

    #[test]
    fn how_far_figures_moved_is_said_in_words() {
        let moves = [
            moved("conversions", 1, 62, 0.0031, 0.06, 0.0022),
            moved("conversions", 3, 4, 0.0001, 0.011, -0.0001),
            moved("impressions", 1, 0, 0.0, 0.0, 0.0),
        ];
        let share = |hour, mean_share| PartialShare {
            endpoint: "visitors".to_owned(),
            field: "impressions".to_owned(),
            hour,
            versions: 40,
            mean_share,
        };
        let shares = [share(10, 0.21), share(11, 0.27), share(18, 0.71)];
        golden("coverage_restatements", |width| text(&moves, &shares, range(), 3, at(), width));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_claimed() {
        assert!(text(&[], &[], range(), 3, at(), None).contains("nothing is known yet"));
    }
}
