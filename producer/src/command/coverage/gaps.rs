//! The gaps, each with the command that fills it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{Days, NaiveDate};
use common::domain::calendar::DayRange;
use common::domain::ids::MallId;
use common::domain::slice::{DataState, WorkState};
use serde_json::{Value, json};

use super::Mall;
use super::count::{Stretch, stretches};
use crate::cli::CoverageArgs;
use crate::output::paint::{command, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, number};
use crate::remedy::WHY_PAUSED;

/// Neighbouring days of a shop and endpoint that are not complete and that no job is about to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    mall: String,
    shop: i32,
    /// How many shops the mall has: a command for one of several names it.
    of_shops: usize,
    endpoint: String,
    days: Stretch<Why>,
    missing: i64,
}

/// Why no job is about to bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// Nobody asked.
    Idle,
    /// It failed for good.
    Failed,
    /// Its mall or its endpoint waits.
    Paused,
}

impl Why {
    fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }
}

/// The gaps of `mall`.
pub(super) fn of(mall: &Mall) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let shops: BTreeSet<i32> = mall.series.iter().map(|series| series.shop_no).collect();
    for series in &mall.series {
        let days = series.first.iter_days().zip(&series.days);
        let open = days.clone().map(|(day, facts)| {
            let why = match facts.work {
                WorkState::Queued | WorkState::Running => None,
                WorkState::Idle => Some(Why::Idle),
                WorkState::Failed => Some(Why::Failed),
                WorkState::Paused => Some(Why::Paused),
            };
            (day, why.filter(|_| !facts.in_job && facts.data.is_gap()))
        });
        for stretch in stretches(open) {
            let inside = |day: NaiveDate| (stretch.from..=stretch.to).contains(&day);
            let missing =
                days.clone().filter(|(day, facts)| inside(*day) && facts.data == DataState::Missing).count();
            gaps.push(Gap {
                mall: series.mall_id.clone(),
                shop: series.shop_no,
                of_shops: shops.len(),
                endpoint: series.endpoint.clone(),
                days: stretch,
                missing: i64::try_from(missing).unwrap_or(i64::MAX),
            });
        }
    }
    gaps
}

/// Days of `mall` that are no gap to be filled, but stay one for as long as the pause of their job lasts.
pub(super) fn held(mall: &Mall) -> i64 {
    let days = mall.series.iter().flat_map(|series| &series.days);
    let held = days.filter(|facts| facts.in_job && facts.work == WorkState::Paused && facts.data.is_gap());
    i64::try_from(held.count()).unwrap_or(i64::MAX)
}

impl Gap {
    fn partial(&self) -> i64 {
        self.days.days() - self.missing
    }

    /// The command that fills it.
    fn remedy(&self) -> String {
        match self.days.of {
            Why::Failed => replay(&self.mall, &self.endpoint),
            Why::Idle | Why::Paused => {
                let shops = if self.of_shops > 1 { vec![self.shop] } else { Vec::new() };
                enqueue(&self.mall, &shops, &[&self.endpoint], self.days.from, self.days.to)
            }
        }
    }

    /// For programs.
    pub(super) fn item(&self) -> Value {
        json!({
            "mall_id": self.mall,
            "shop_no": self.shop,
            "endpoint": self.endpoint,
            "from": self.days.from,
            "to": self.days.to,
            "days": self.days.days(),
            "missing": self.missing,
            "partial": self.partial(),
            "work_state": self.days.of.word(),
            "do": self.remedy(),
        })
    }
}

fn replay(mall: &str, endpoint: &str) -> String {
    format!("cafe24-sync dead replay --mall {mall} --endpoint {endpoint}")
}

/// `shops` empty: all of the mall's.
fn enqueue(mall: &str, shops: &[i32], endpoints: &[&str], from: NaiveDate, to: NaiveDate) -> String {
    let mut command = format!("cafe24-sync enqueue --mall {mall}");
    for shop in shops {
        let _ = write!(command, " --shop {shop}");
    }
    let _ = write!(command, " --from {from} --to {to} --endpoint {}", endpoints.join(" "));
    command
}

/// Days, why they are gaps, and the shops that a command has to name; none: it is for all of the mall's.
type Range = (NaiveDate, NaiveDate, Why, Vec<i32>);
/// endpoint → (missing, partial), over those shops.
type Endpoints<'a> = BTreeMap<&'a str, (i64, i64)>;

/// One line a command, to be read or to be given to a shell. What endpoints and shops have in common is one command, which
/// fetches exactly what it says; failed days are replayed, which knows their history.
pub(super) fn commands(gaps: &[Gap]) -> String {
    let mut shops: BTreeMap<_, BTreeSet<i32>> = BTreeMap::new();
    let of = |gap: &Gap| (gap.mall.clone(), gap.endpoint.clone(), gap.days.from, gap.days.to, gap.days.of);
    for gap in gaps {
        shops.entry(of(gap)).or_default().insert(gap.shop);
    }
    let mut malls: BTreeMap<&str, BTreeMap<Range, Endpoints<'_>>> = BTreeMap::new();
    for gap in gaps {
        let named = match &shops[&of(gap)] {
            all if all.len() == gap.of_shops => Vec::new(),
            some => some.iter().copied().collect(),
        };
        let ranges = malls.entry(&gap.mall).or_default();
        let range = ranges.entry((gap.days.from, gap.days.to, gap.days.of, named)).or_default();
        let counts = range.entry(&gap.endpoint).or_default();
        *counts = (counts.0 + gap.missing, counts.1 + gap.partial());
    }
    let mut out = String::new();
    for (mall, ranges) in &malls {
        let mut failed: BTreeMap<&str, i64> = BTreeMap::new();
        for ((from, to, why, shops), endpoints) in ranges {
            if *why == Why::Failed {
                for (endpoint, (missing, partial)) in endpoints {
                    *failed.entry(endpoint).or_default() += missing + partial;
                }
                continue;
            }
            let names: Vec<&str> = endpoints.keys().copied().collect();
            let sum = |part: fn(&(i64, i64)) -> i64| endpoints.values().map(part).sum::<i64>();
            let note = note(sum(|counts| counts.0), sum(|counts| counts.1), *why);
            line(&mut out, &enqueue(mall, shops, &names, *from, *to), &note);
        }
        for (endpoint, days) in failed {
            let note = format!("{} failed for good", counted(days, "slice", "slices"));
            line(&mut out, &replay(mall, endpoint), &note);
        }
    }
    out
}

fn note(missing: i64, partial: i64, why: Why) -> String {
    let slices = counted(missing + partial, "slice", "slices");
    let what = match (missing, partial) {
        (_, 0) => "missing".to_owned(),
        (0, _) => "partial".to_owned(),
        _ => format!("{} missing, {} partial", number(missing), number(partial)),
    };
    let waits = if why == Why::Paused { "; paused: its jobs will wait" } else { "" };
    format!("{slices}: {what}{waits}")
}

fn line(out: &mut String, text: &str, note: &str) {
    let _ = writeln!(out, "{}   {}", command(text), dim(format_args!("# {note}")));
}

/// The wish for every gap that was asked for and no other, as far as a wish can say that: it knows no agency.
pub(super) fn at_once(args: &CoverageArgs, range: DayRange, today: NaiveDate) -> Option<String> {
    if args.agency.is_some() {
        return None;
    }
    let mut command = "cafe24-sync enqueue".to_owned();
    let mut add = |flag: &str, values: &[&str]| {
        command.extend([" ", flag].into_iter().chain(values.iter().flat_map(|value| [" ", value])));
    };
    if args.malls.is_empty() {
        add("--all", &[]);
    } else {
        add("--mall", &args.malls.iter().map(MallId::as_str).collect::<Vec<_>>());
    }
    if args.last.is_some() || args.from.is_some() {
        // Today is no gap, but a wish would fetch it.
        let to = range.end().min(today - Days::new(1));
        if to < range.start() {
            return None;
        }
        add("--from", &[&range.start().to_string()]);
        add("--to", &[&to.to_string()]);
    }
    add("--missing", &[]);
    if !args.endpoints.is_empty() {
        add("--endpoint", &args.endpoints.iter().map(|endpoint| endpoint.as_str()).collect::<Vec<_>>());
    }
    Some(command)
}

const COLUMNS: [Column; 8] = [
    Column::plain("mall_id"),
    Column::plain("shop_no"),
    Column::plain("endpoint"),
    Column::plain("from"),
    Column::plain("to"),
    Column::plain("missing"),
    Column::plain("partial"),
    Column::plain("work_state"),
];

/// Tab-separated, one gap a line.
pub(super) fn plain(gaps: &[Gap], heading: bool) -> String {
    let row = |gap: &Gap| {
        vec![
            gap.mall.as_str().into(),
            gap.shop.to_string().into(),
            gap.endpoint.as_str().into(),
            gap.days.from.to_string().into(),
            gap.days.to.to_string().into(),
            Cell::count(gap.missing),
            Cell::count(gap.partial()),
            gap.days.of.word().into(),
        ]
    };
    Table::new(&COLUMNS, gaps.iter().map(row)).page(heading)
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pages: u32,
    slices: i64,
    failed: i64,
    /// Days that a job would bring if nobody had paused it.
    held: i64,
}

impl Found {
    /// Whether nothing was added yet.
    pub(super) fn is_first(&self) -> bool {
        self.pages == 0
    }

    pub(super) fn add(&mut self, gaps: &[Gap], held: i64) {
        self.pages += 1;
        self.held += held;
        for gap in gaps {
            let days = gap.days.days();
            if gap.days.of == Why::Failed { self.failed += days } else { self.slices += days }
        }
    }

    /// What stands beside the commands. `at_once`: what fetches all of it, and no more; `next`: there are malls after this one.
    pub(super) fn words(&self, at_once: Option<&str>, next: Option<&str>) -> String {
        let mut out = match (self.slices, self.failed) {
            (0, 0) if self.held > 0 => "nothing to fetch that has no job".to_owned(),
            (0, 0) => "no gaps: every wanted day up to yesterday is complete or queued".to_owned(),
            (slices, failed) => {
                let failed = if failed > 0 {
                    format!(", and {} failed for good", number(failed))
                } else {
                    String::new()
                };
                let at_once = match at_once.filter(|_| slices > 0) {
                    Some(command) => format!("; all that did not fail at once: {command}"),
                    None => String::new(),
                };
                format!("{} to fetch{failed}{at_once}", counted(slices, "slice", "slices"))
            }
        };
        if self.held > 0 {
            let _ = write!(
                out,
                "\n{} a job that is paused → {WHY_PAUSED}, cafe24-sync queue list",
                counted(self.held, "slice has", "slices have"),
            );
        }
        if let Some(next) = next {
            let _ = write!(out, "\nmore malls: --after {next}");
        }
        out
    }
}

#[cfg(test)]
mod tests;
