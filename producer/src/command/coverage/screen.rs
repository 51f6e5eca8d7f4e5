//! Many malls: a line each, the worst first; and what programs get.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::domain::calendar::DayRange;
use common::domain::slice::{DataState, WorkState};
use common::store::{DayCounts, MallFreshness, SeriesDays};
use serde::Serialize;

use super::Mall;
use super::count::{Stretch, counts, stretches};
use crate::output::paint::{bold, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, headline_time, number};

/// Statuses, the worst first.
const WORST_FIRST: [&str; 5] = ["needs_you", "late", "catching_up", "paused", "fresh"];

const COLUMNS: [Column; 9] = [
    Column::left("MALL", ""),
    Column::left("STATUS", ""),
    Column::right("COMPLETE", ""),
    Column::right("MISSING", ""),
    Column::right("PARTIAL", "").may_go(3),
    Column::right("QUEUED", "").may_go(2),
    Column::right("FAILED", "").may_go(1),
    Column::left("THROUGH", ""),
    Column::flowing("WHY", ""),
];
const DAYS: [Column; 7] = [
    Column::plain("mall_id"),
    Column::plain("shop_no"),
    Column::plain("endpoint"),
    Column::plain("from"),
    Column::plain("to"),
    Column::plain("data_state"),
    Column::plain("work_state"),
];

/// The mark and the word of a mall's status.
pub(super) fn status_word(status: &str) -> (char, &str) {
    match status {
        "fresh" => ('✓', "fresh"),
        "catching_up" => ('▸', "catching up"),
        "late" => ('✗', "late"),
        "needs_you" => ('✗', "needs you"),
        "paused" => ('⏸', "paused"),
        other => ('·', other),
    }
}

/// The first line of a screen.
pub(super) fn head(malls: usize, range: DayRange, now: DateTime<Utc>) -> String {
    let malls = counted(i64::try_from(malls).unwrap_or(i64::MAX), "mall", "malls");
    format!("{}   {}\n", bold(format!("coverage · {malls} · {range} (KST)")), dim(headline_time(now)))
}

/// What is not plainly complete, in words.
pub(super) fn parts(counts: &DayCounts) -> Vec<String> {
    [
        ("missing", counts.missing),
        ("partial", counts.partial),
        ("restated", counts.restated),
        ("queued", counts.queued),
        ("running", counts.running),
        ("failed", counts.failed),
        ("paused", counts.paused),
        ("today partial", counts.today_partial),
        ("not yet today", counts.not_yet),
    ]
    .iter()
    .filter(|(_, count)| *count > 0)
    .map(|(word, count)| format!("{word} {}", number(*count)))
    .collect()
}

/// The worst malls of those that were added; of the others only counts stay.
pub(super) struct Worst {
    keep: usize,
    kept: BTreeSet<Row>,
    malls: usize,
    counts: DayCounts,
    by_status: [i64; 5],
}

/// A mall's line; orders by how bad it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    rank: usize,
    gaps: Reverse<i64>,
    mall: String,
    cells: Vec<Cell>,
}

impl Worst {
    /// Keeps `keep` malls.
    pub(super) fn of(keep: usize) -> Self {
        Self { keep, kept: BTreeSet::new(), malls: 0, counts: DayCounts::default(), by_status: [0; 5] }
    }

    pub(super) fn add(&mut self, fresh: &MallFreshness, counts: DayCounts) {
        let rank = WORST_FIRST.iter().position(|status| *status == fresh.status).unwrap_or(0);
        self.malls += 1;
        self.by_status[rank] += 1;
        self.counts.add(counts);
        self.kept.insert(Row {
            rank,
            gaps: Reverse(counts.gaps()),
            mall: fresh.mall_id.clone(),
            cells: vec![
                fresh.mall_id.as_str().into(),
                status_word(&fresh.status).1.into(),
                format!("{}/{}", number(counts.complete), number(counts.wanted)).into(),
                Cell::count(counts.missing),
                Cell::count(counts.partial),
                Cell::count(counts.queued + counts.running),
                Cell::count(counts.failed),
                Cell::day_or_none(fresh.complete_through),
                fresh.reason.as_deref().unwrap_or_default().into(),
            ],
        });
        if self.kept.len() > self.keep {
            self.kept.pop_last();
        }
    }

    pub(super) fn text(&self, range: DayRange, now: DateTime<Utc>, width: Option<usize>) -> String {
        let mut out = head(self.malls, range, now);
        let statuses: Vec<_> = WORST_FIRST
            .iter()
            .zip(self.by_status)
            .filter(|(_, malls)| *malls > 0)
            .map(|(status, malls)| format!("{} {}", status_word(status).1, number(malls)))
            .collect();
        let counts = &self.counts;
        let complete = format!("{} of {} slices complete", number(counts.complete), number(counts.wanted));
        let _ = writeln!(out, "  {}", statuses.join(" · "));
        let _ = writeln!(out, "  {}\n", [vec![complete], parts(counts)].concat().join(" · "));
        let rows = self.kept.iter().map(|row| row.cells.clone());
        out.push_str(&Table::new(&COLUMNS, rows).text(width));
        let hidden = self.malls - self.kept.len();
        if hidden > 0 {
            let hidden = number(i64::try_from(hidden).unwrap_or(i64::MAX));
            let _ = writeln!(out, "{hidden} more that are better · all of them: --plain | less");
        }
        if counts.gaps() > 0 {
            out.push_str("by day: --mall MALL · what fills the gaps: --gaps\n");
        }
        out
    }
}

/// The two facts of neighbouring days that are alike.
#[derive(Debug, Serialize)]
struct Range {
    from: chrono::NaiveDate,
    to: chrono::NaiveDate,
    days: i64,
    data_state: DataState,
    work_state: WorkState,
}

/// A shop and endpoint of a mall for programs.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    mall_id: String,
    agency: String,
    shop_no: i32,
    endpoint: String,
    mall_status: String,
    counts: DayCounts,
    ranges: Vec<Range>,
}

fn alike(series: &SeriesDays) -> Vec<Stretch<(DataState, WorkState)>> {
    stretches(series.first.iter_days().zip(series.days.iter().map(|facts| Some((facts.data, facts.work)))))
}

/// `mall` for programs, one item a shop and endpoint.
pub(super) fn items(mall: &Mall) -> Vec<Item> {
    mall.series
        .iter()
        .map(|series| Item {
            mall_id: series.mall_id.clone(),
            agency: mall.freshness.agency.clone(),
            shop_no: series.shop_no,
            endpoint: series.endpoint.clone(),
            mall_status: mall.freshness.status.clone(),
            counts: counts(series),
            ranges: alike(series)
                .iter()
                .map(|stretch| Range {
                    from: stretch.from,
                    to: stretch.to,
                    days: stretch.days(),
                    data_state: stretch.of.0,
                    work_state: stretch.of.1,
                })
                .collect(),
        })
        .collect()
}

/// Tab-separated: a line for neighbouring days that are alike.
pub(super) fn plain(malls: &[Mall], heading: bool) -> String {
    let rows: Vec<Vec<Cell>> = malls
        .iter()
        .flat_map(|mall| &mall.series)
        .flat_map(|series| {
            alike(series).into_iter().map(|stretch| {
                vec![
                    series.mall_id.as_str().into(),
                    series.shop_no.to_string().into(),
                    series.endpoint.as_str().into(),
                    stretch.from.to_string().into(),
                    stretch.to.to_string().into(),
                    stretch.of.0.to_string().into(),
                    stretch.of.1.to_string().into(),
                ]
            })
        })
        .collect();
    Table::new(&DAYS, rows).page(heading)
}

#[cfg(test)]
pub(super) mod tests {
    use common::store::MallFreshness;

    use super::super::count::tests::{day, series};
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    pub(crate) fn fresh(mall: &str, status: &str, reason: Option<&str>) -> MallFreshness {
        MallFreshness {
            mall_id: mall.to_owned(),
            agency: "default".to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            complete_through: Some(day("2026-02-15")),
            gap_days: 0,
        }
    }

    fn mall(name: &str, status: &str, reason: Option<&str>, data: &str, work: &str) -> Mall {
        Mall {
            freshness: fresh(name, status, reason),
            series: vec![series(name, "visitors", "2026-02-10", data, work)],
        }
    }

    fn add(worst: &mut Worst, mall: &Mall) {
        worst.add(&mall.freshness, counts(&mall.series[0]));
    }

    #[test]
    fn of_many_malls_the_worst_stand_first_and_the_others_are_counted() {
        let mut worst = Worst::of(4);
        for n in 0..200 {
            add(&mut worst, &mall(&format!("mall{n:03}"), "fresh", None, "cccccct", "iiiiiii"));
        }
        let why = Some("3 days missing, being fetched");
        add(&mut worst, &mall("moonlit", "catching_up", why, "mmmcccn", "qqriiii"));
        let why = Some("2 jobs failed for good: products: order_amount gone");
        add(&mut worst, &mall("ainong", "needs_you", why, "ccccmmt", "iiiiffi"));
        let why = Some("complete through 2026-02-14 only");
        add(&mut worst, &mall("late", "late", why, "cccccmt", "iiiiiii"));
        let range = DayRange::new(day("2026-02-10"), day("2026-02-16")).expect("in order");
        golden("coverage_many", |width| worst.text(range, at(), width));
    }

    #[test]
    fn documents_put_equal_neighbours_together() {
        let document = serde_json::to_value(items(&mall("a", "late", None, "ccrmp", "iifqi"))).expect("JSON");
        let ranges = document[0]["ranges"].as_array().expect("ranges");
        assert_eq!(ranges.len(), 4);
        assert_eq!(ranges[1]["data_state"], "restated");
        assert_eq!((&ranges[1]["work_state"], &ranges[1]["from"]), (&"failed".into(), &"2026-02-12".into()));
        assert_eq!(document[0]["counts"]["complete"], 3);
        let plain = plain(&[mall("a", "late", None, "ccm", "iii")], false);
        assert_eq!(
            plain,
            "a\t1\tvisitors\t2026-02-10\t2026-02-11\tcomplete\tidle\na\t1\tvisitors\t2026-02-12\t2026-02-12\tmissing\tidle\n"
        );
    }
}
