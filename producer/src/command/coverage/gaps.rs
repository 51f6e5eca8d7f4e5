//! The gaps, each with the command that fills it.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;
use common::domain::slice::{DataState, WorkState};
use serde_json::{Value, json};

use super::Mall;
use super::count::{Stretch, stretches};
use crate::output::paint::{command, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, number};

/// Neighbouring days of a shop and endpoint that are not complete and that no job is about to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    mall: String,
    shop: i32,
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
                endpoint: series.endpoint.clone(),
                days: stretch,
                missing: i64::try_from(missing).unwrap_or(i64::MAX),
            });
        }
    }
    gaps
}

impl Gap {
    fn partial(&self) -> i64 {
        self.days.days() - self.missing
    }

    /// The command that fills it.
    fn remedy(&self) -> String {
        match self.days.of {
            Why::Failed => replay(&self.mall, &self.endpoint),
            Why::Idle | Why::Paused => enqueue(&self.mall, &[&self.endpoint], self.days.from, self.days.to),
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

fn enqueue(mall: &str, endpoints: &[&str], from: NaiveDate, to: NaiveDate) -> String {
    format!("cafe24-sync enqueue --mall {mall} --from {from} --to {to} --endpoint {}", endpoints.join(" "))
}

/// One line a command, to be read or to be given to a shell. What endpoints have in common is one command; failed days
/// are replayed, which knows their history.
pub(super) fn commands(gaps: &[Gap]) -> String {
    // mall → (from, to, why) → endpoint → (missing, partial), over shops: a wish is for all of a mall's.
    type Ranges<'a> = BTreeMap<(NaiveDate, NaiveDate, Why), BTreeMap<&'a str, (i64, i64)>>;
    let mut malls: BTreeMap<&str, Ranges<'_>> = BTreeMap::new();
    for gap in gaps {
        let ranges = malls.entry(&gap.mall).or_default();
        let range = ranges.entry((gap.days.from, gap.days.to, gap.days.of)).or_default();
        let counts = range.entry(&gap.endpoint).or_default();
        *counts = (counts.0 + gap.missing, counts.1 + gap.partial());
    }
    let mut out = String::new();
    for (mall, ranges) in &malls {
        let mut failed: BTreeMap<&str, i64> = BTreeMap::new();
        for ((from, to, why), endpoints) in ranges {
            if *why == Why::Failed {
                for (endpoint, (missing, partial)) in endpoints {
                    *failed.entry(endpoint).or_default() += missing + partial;
                }
                continue;
            }
            let names: Vec<&str> = endpoints.keys().copied().collect();
            let sum = |part: fn(&(i64, i64)) -> i64| endpoints.values().map(part).sum::<i64>();
            let note = note(sum(|counts| counts.0), sum(|counts| counts.1), *why);
            line(&mut out, &enqueue(mall, &names, *from, *to), &note);
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
}

impl Found {
    /// Whether nothing was added yet.
    pub(super) fn is_first(&self) -> bool {
        self.pages == 0
    }

    pub(super) fn add(&mut self, gaps: &[Gap]) {
        self.pages += 1;
        for gap in gaps {
            let days = gap.days.days();
            if gap.days.of == Why::Failed { self.failed += days } else { self.slices += days }
        }
    }

    /// What stands beside the commands; `next`: there are malls after this one.
    pub(super) fn words(&self, next: Option<&str>) -> String {
        let mut out = match (self.slices, self.failed) {
            (0, 0) => "no gaps: every wanted day up to yesterday is complete or queued".to_owned(),
            (slices, failed) => {
                let failed = if failed > 0 {
                    format!(", and {} failed for good", number(failed))
                } else {
                    String::new()
                };
                format!(
                    "{} to fetch{failed}; all that did not fail at once: cafe24-sync enqueue --all --missing",
                    counted(slices, "slice", "slices")
                )
            }
        };
        if let Some(next) = next {
            let _ = write!(out, "\nmore malls: --after {next}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::count::tests::series;
    use super::super::screen::tests::fresh;
    use super::*;
    use crate::output::golden::golden;

    fn ainong() -> Mall {
        Mall {
            freshness: fresh("ainong", "needs_you", Some("3 jobs failed for good: …")),
            series: vec![
                series("ainong", "visitors", "2026-02-08", "ccmmpccmt", "iiiiiiiii"),
                series("ainong", "pageviews", "2026-02-08", "ccmmmccmn", "iiiiiiiqi"),
                series("ainong", "products", "2026-02-08", "cccccmmmn", "iiiiifffq"),
                series("ainong", "domains", "2026-02-08", "cccccpcct", "iiiiipiii"),
            ],
        }
    }

    #[test]
    fn gaps_are_the_very_commands_that_fill_them() {
        golden("coverage_gaps", |_| commands(&of(&ainong())));
    }

    #[test]
    fn a_gap_is_up_to_yesterday_and_not_in_work() {
        let gaps = of(&ainong());
        let found: Vec<_> = gaps
            .iter()
            .map(|gap| format!("{} {}…{} {}", gap.endpoint, gap.days.from, gap.days.to, gap.days.of.word()))
            .collect();
        assert_eq!(
            found,
            [
                "visitors 2026-02-10…2026-02-12 idle",
                "visitors 2026-02-15…2026-02-15 idle",
                "pageviews 2026-02-10…2026-02-12 idle",
                "products 2026-02-13…2026-02-15 failed",
                "domains 2026-02-13…2026-02-13 paused",
            ]
        );
        let mut all = Found::default();
        all.add(&gaps);
        assert!(
            all.words(None).starts_with("8 slices to fetch, and 3 failed for good"),
            "{}",
            all.words(None)
        );
    }

    #[test]
    fn later_pages_have_no_heading() {
        let gaps = of(&ainong());
        assert!(plain(&gaps, true).starts_with("mall_id\t"));
        assert!(plain(&gaps, false).starts_with("ainong\t1\tvisitors\t2026-02-10\t2026-02-12\t2\t1\tidle\n"));
    }
}
