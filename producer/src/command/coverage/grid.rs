//! One mall day by day: a row of marks for what is there, and under it one for what is being done, where anything is.
//!
//! Two rows, since they are two facts: a complete day whose refresh failed shows both. A day that is not wanted is blank.

use std::fmt::{Display, Write};

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use common::domain::calendar::DayRange;
use common::domain::endpoint::Endpoint;
use common::domain::slice::{DataState, WorkState};
use common::store::{DayCounts, SeriesDays};

use super::Mall;
use super::count::counts;
use super::screen::{head, parts, status_word};
use crate::output::paint::{bad, bold, command, dim, good, warn};
use crate::output::text::{clean, number};

/// A week's columns; grids are cut between weeks where they are too wide.
const WEEK: usize = 7;
/// Columns of the longest name of a first day, `Feb 12`.
const FIRST_DAY: usize = 6;
/// What is there, in the order of the legend.
const LEGEND: [(DataState, &str); 6] = [
    (DataState::Complete, "complete"),
    (DataState::Restated, "restated"),
    (DataState::Partial, "partial"),
    (DataState::Missing, "missing"),
    (DataState::TodayPartial, "today partial"),
    (DataState::NotYet, "not yet"),
];

/// Where an endpoint stands in the table; one that is not known here behind all others.
pub(super) fn place(endpoint: &str) -> usize {
    Endpoint::all().position(|known| known.as_str() == endpoint).unwrap_or(usize::MAX)
}

/// The mark of what is there.
fn data_mark(state: DataState) -> char {
    match state {
        DataState::Missing => '·',
        DataState::Partial => '◐',
        DataState::Complete => '✓',
        DataState::Restated => '↻',
        DataState::TodayPartial => '◔',
        DataState::NotYet => '◌',
    }
}

/// The mark of what is being done.
fn work_mark(state: WorkState) -> char {
    match state {
        WorkState::Idle => ' ',
        WorkState::Queued => '○',
        WorkState::Running => '▸',
        WorkState::Failed => '✗',
        WorkState::Paused => '⏸',
    }
}

/// The grids of `malls`, at most `width` columns wide.
pub(super) fn text(malls: &[Mall], range: DayRange, now: DateTime<Utc>, width: usize) -> String {
    let mut out = head(malls.len(), range, now);
    for mall in malls {
        out.push('\n');
        one(&mut out, mall, range, width);
    }
    out.push('\n');
    let words = |marks: &mut dyn Iterator<Item = (char, &'static str)>| {
        marks.map(|(mark, word)| format!("{mark} {word}")).collect::<Vec<_>>().join("  ")
    };
    let data = words(&mut LEGEND.iter().map(|(state, word)| (data_mark(*state), *word)));
    let work = words(
        &mut WorkState::ALL
            .iter()
            .filter(|state| **state != WorkState::Idle)
            .map(|state| (work_mark(*state), state.as_str())),
    );
    let _ = writeln!(out, "{}", dim(format_args!(" {data}")));
    let _ = writeln!(out, "{}", dim(format_args!(" below: {work}")));
    out
}

fn one(out: &mut String, mall: &Mall, range: DayRange, width: usize) {
    let fresh = &mall.freshness;
    let why = fresh.reason.as_deref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
    let (mark, word) = status_word(&fresh.status);
    let state = format!("{mark} {word}{why}");
    let state = match fresh.status.as_str() {
        "fresh" => good(state),
        "needs_you" => bad(state),
        _ => warn(state),
    };
    let _ = writeln!(out, "{}  {state}", bold(&fresh.mall_id));
    let Some(first) = mall.series.iter().map(|series| series.first).min() else {
        let _ = writeln!(out, " {}", dim("no day of these is wanted of it"));
        return;
    };
    let last = mall.series.iter().filter_map(last_day).max().unwrap_or(first).min(range.end());
    let grid = Grid { mall, first, last };
    let days = usize::try_from((last - first).num_days() + 1).unwrap_or(0);
    let room = width.saturating_sub(grid.label("", "").chars().count());
    let columns = if days <= room { days.max(1) } else { (room / WEEK).max(1) * WEEK };
    let mut from = 0;
    while from < days {
        grid.block(out, from, columns.min(days - from), from == 0);
        from += columns;
    }
    let mut all = DayCounts::default();
    mall.series.iter().for_each(|series| all.add(counts(series)));
    let parts = parts(&all);
    if !parts.is_empty() {
        let _ = writeln!(out, " {}", parts.join(" · "));
    }
    if all.gaps() > 0 {
        let remedy = format!("cafe24-sync coverage --mall {} --gaps", fresh.mall_id);
        let _ = writeln!(out, " → {}", command(remedy));
    }
}

fn last_day(series: &SeriesDays) -> Option<NaiveDate> {
    series.first.iter_days().nth(series.days.len().checked_sub(1)?)
}

struct Grid<'a> {
    mall: &'a Mall,
    first: NaiveDate,
    last: NaiveDate,
}

impl Grid<'_> {
    /// What stands before the marks of a row.
    fn label(&self, name: &str, count: &str) -> String {
        let names = self.mall.series.iter().map(|series| series.endpoint.len()).max().unwrap_or(0);
        let counts = self.mall.series.iter().map(|series| counted(series).len()).max().unwrap_or(0);
        format!(" {name:<names$}  {count:>counts$}  ")
    }

    /// `columns` days of all rows, from the one that is `from` days after the first.
    fn block(&self, out: &mut String, from: usize, columns: usize, is_first: bool) {
        let days: Vec<NaiveDate> = self.first.iter_days().skip(from).take(columns).collect();
        let all = (self.last - self.first).num_days() + 1;
        let name = if is_first { format!("{} days", number(all)) } else { String::new() };
        let pad = self.label("", "").chars().count();
        let _ = writeln!(out, "{}", dim(format!("{:<pad$}{}", format!(" {name}"), months(&days)).trim_end()));
        let _ = writeln!(out, "{}", dim(format!("{:<pad$}{}", " Mondays", mondays(&days)).trim_end()));
        let shops = self.mall.series.iter().any(|series| series.shop_no != self.mall.series[0].shop_no);
        let mut shop = None;
        for series in &self.mall.series {
            if shops && shop != Some(series.shop_no) {
                shop = Some(series.shop_no);
                let _ = writeln!(out, " {}", dim(format_args!("shop {}", series.shop_no)));
            }
            let state = |day: &NaiveDate| {
                let place = usize::try_from((*day - series.first).num_days()).ok()?;
                series.days.get(place).copied()
            };
            let count = if is_first { counted(series) } else { String::new() };
            let data = runs(&days, |day| state(day).map(|facts| facts.data), data_mark, paint_data);
            let row = format!("{}{data}", self.label(&series.endpoint, &count));
            let _ = writeln!(out, "{}", row.trim_end());
            let busy =
                |day: &NaiveDate| state(day).map(|facts| facts.work).filter(|work| *work != WorkState::Idle);
            if days.iter().any(|day| busy(day).is_some()) {
                let work = runs(&days, busy, work_mark, paint_work);
                let _ = writeln!(out, "{}{}", self.label("", ""), work.trim_end());
            }
        }
    }
}

fn counted(series: &SeriesDays) -> String {
    let counts = counts(series);
    format!("{}/{}", counts.complete, counts.wanted)
}

/// The marks of `days`, equal neighbours in one style.
fn runs<T: Copy + PartialEq>(
    days: &[NaiveDate],
    state: impl Fn(&NaiveDate) -> Option<T>,
    mark: impl Fn(T) -> char,
    paint: impl Fn(T, String) -> String,
) -> String {
    let mut out = String::new();
    for run in days.chunk_by(|a, b| state(a) == state(b)) {
        match state(&run[0]) {
            Some(of) => out.push_str(&paint(of, mark(of).to_string().repeat(run.len()))),
            None => out.push_str(&" ".repeat(run.len())),
        }
    }
    out
}

fn paint_data(state: DataState, marks: String) -> String {
    match state {
        DataState::Missing | DataState::TodayPartial | DataState::NotYet => dim(marks).to_string(),
        DataState::Partial => warn(marks).to_string(),
        DataState::Complete => good(marks).to_string(),
        DataState::Restated => command(marks).to_string(),
    }
}

fn paint_work(state: WorkState, marks: String) -> String {
    match state {
        WorkState::Failed => bad(marks).to_string(),
        WorkState::Paused => warn(marks).to_string(),
        WorkState::Idle | WorkState::Queued | WorkState::Running => marks,
    }
}

/// Names of months over their first days; over the first column its day, unless a month's name needs the room.
fn months(days: &[NaiveDate]) -> String {
    // The first day is told also where there are fewer columns than its name has letters.
    let mut line = Line::new(days.len().max(FIRST_DAY));
    for (place, day) in days.iter().enumerate().filter(|(_, day)| day.day() == 1) {
        let name = if day.month() == 1 { day.format("%b %Y") } else { day.format("%b") };
        line.put(place, name);
    }
    if let Some(first) = days.first() {
        line.put(0, first.format("%b %-d"));
    }
    line.text()
}

/// Days of the month over Mondays.
fn mondays(days: &[NaiveDate]) -> String {
    let mut line = Line::new(days.len());
    for (place, day) in days.iter().enumerate().filter(|(_, day)| day.weekday() == Weekday::Mon) {
        line.put(place, day.day());
    }
    line.text()
}

/// A line of columns on which words take places.
struct Line(Vec<char>);

impl Line {
    fn new(columns: usize) -> Self {
        Self(vec![' '; columns])
    }

    /// Puts `word` where it begins at `place`, if it fits there and touches no other.
    fn put(&mut self, place: usize, word: impl Display) {
        let word = word.to_string();
        let end = place + word.chars().count();
        let around = place.saturating_sub(1)..(end + 1).min(self.0.len());
        if end <= self.0.len() && self.0[around].iter().all(|c| *c == ' ') {
            self.0.splice(place..end, word.chars());
        }
    }

    fn text(self) -> String {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
