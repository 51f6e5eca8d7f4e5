//! `malls list`

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::ids::MallId;
use common::store::{Approval, Control, MallReport, StoreError};
use serde::Serialize;

use crate::command::context::Context;
use crate::command::health::{Status, health, through};
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};
use crate::output::table::{Cell, Column, Table};

/// Malls shown where none said how many.
const SCREEN: u32 = 50;
/// Malls read at once.
const PAGE: u32 = 500;

const COLUMNS: [Column; 16] = [
    Column::left("MALL", "mall_id"),
    Column::plain("agency"),
    Column::left("SHOP", "shops").may_go(3),
    Column::left("STATUS", "status"),
    Column::left("COMPLETE THROUGH", "complete_through"),
    Column::right("GAPS", "gaps"),
    Column::right("QUEUED", ""),
    Column::plain("waiting"),
    Column::plain("running"),
    Column::right("PAUSED", "parked").may_go(2),
    Column::right("DEAD", "dead"),
    Column::plain("state"),
    Column::plain("mode"),
    Column::plain("limiter_key"),
    Column::flowing("WHY", "why"),
    Column::plain("do"),
];

/// One mall for programs.
#[derive(Debug, Serialize)]
struct Item {
    #[serde(flatten)]
    report: serde_json::Value,
    /// What its data is approved for.
    purposes: Vec<String>,
    status: Status,
    why: String,
    #[serde(rename = "do")]
    action: String,
}

pub(super) async fn run(
    context: &Context,
    limit: Option<u32>,
    after: Option<&MallId>,
) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let output = context.output;
    let wanted = limit.unwrap_or(if output.plain { u32::MAX } else { SCREEN });
    let mut reports =
        read(&control, after, wanted.saturating_add(1)).await.map_err(|error| context.store(error))?;
    let keep = usize::try_from(wanted).unwrap_or(usize::MAX);
    let more = reports.len() > keep;
    reports.truncate(keep);
    let next = more.then(|| reports.last().map(|report| report.mall_id.clone())).flatten();
    let now = now();
    if output.json {
        let malls: Vec<MallId> = reports.iter().filter_map(|report| report.mall_id.parse().ok()).collect();
        let mut approvals = control.approvals(&malls).await.map_err(|error| context.store(error))?;
        let items: Vec<Item> = reports
            .iter()
            .map(|report| item(report, approvals.remove(&report.mall_id).unwrap_or_default()))
            .collect::<Result<_, _>>()?;
        output.document(&List::new(items, next, now))?;
    } else if let (true, Some(after), false) = (reports.is_empty(), after, output.plain) {
        output.answer(&format!("no mall after {after}"))?;
    } else if reports.is_empty() && !output.plain {
        output.answer("no mall is connected yet")?;
        output.note("connect one: cafe24-sync connect MALL; many: cafe24-sync malls import FILE");
    } else {
        output.list(&table(&reports, now), &below(&reports, next.as_deref()))?;
    }
    Ok(Exit::Done)
}

async fn read(control: &Control, after: Option<&MallId>, wanted: u32) -> Result<Vec<MallReport>, StoreError> {
    let mut after = after.map(|mall| mall.as_str().to_owned()).unwrap_or_default();
    let mut reports: Vec<MallReport> = Vec::new();
    loop {
        let have = u32::try_from(reports.len()).unwrap_or(u32::MAX);
        let size = PAGE.min(wanted.saturating_sub(have));
        let page = control.mall_report(&after, i64::from(size)).await?;
        let full = u32::try_from(page.len()).unwrap_or(u32::MAX) == size;
        reports.extend(page);
        match reports.last() {
            Some(last) if full && size == PAGE => after.clone_from(&last.mall_id),
            _ => return Ok(reports),
        }
    }
}

fn item(report: &MallReport, approvals: Vec<Approval>) -> Result<Item, Fault> {
    let found = health(report);
    let report = with_times(report, &[("state_since", Some(report.state_since))])?;
    let purposes = approvals.into_iter().map(|approval| approval.purpose).collect();
    Ok(Item { purposes, status: found.status, why: found.reason, action: found.action, report })
}

fn shops(report: &MallReport) -> String {
    report.shops.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn table(reports: &[MallReport], now: DateTime<Utc>) -> Table {
    let row = |report: &MallReport| {
        let found = health(report);
        let day = Cell::day_or_none(report.complete_through);
        vec![
            report.mall_id.as_str().into(),
            report.agency.as_str().into(),
            shops(report).into(),
            Cell::new(found.status.word(), found.status.key()),
            day.shown_as(through(report.complete_through, now)),
            Cell::count(report.gaps),
            Cell::count(report.waiting + report.running),
            Cell::count(report.waiting),
            Cell::count(report.running),
            Cell::count(report.parked),
            Cell::count(report.dead),
            report.state.as_str().into(),
            Cell::text_or_none(report.mode.as_deref()),
            report.limiter_key.as_str().into(),
            found.reason.into(),
            found.action.into(),
        ]
    };
    Table::new(&COLUMNS, reports.iter().map(row))
}

/// What is not in the table.
fn below(reports: &[MallReport], next: Option<&str>) -> String {
    let more =
        |next| format!("{} shown · next: --after {next} · everything: --plain | less\n", reports.len());
    next.map(more).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::health::tests::{at, report};
    use crate::output::golden::golden;

    #[test]
    fn the_list_shows_what_one_asks_first() {
        let mut seoulbag = report("seoulbag", Some("2026-02-12"));
        seoulbag.shops = vec![1, 2];
        seoulbag.state = "needs_scope".to_owned();
        seoulbag.reason = Some("scope mall.analytics missing".to_owned());
        (seoulbag.gaps, seoulbag.waiting, seoulbag.parked) = (24, 0, 32);
        let mut ainong = report("ainong", Some("2026-02-12"));
        (ainong.gaps, ainong.dead, ainong.dead_causes) = (3, 3, 1);
        ainong.dead_group = Some("9f31c2a".to_owned());
        ainong.dead_cause = Some("products: data[].orderCount is missing".to_owned());
        let mut moonlit = report("moonlit", Some("2026-02-15"));
        (moonlit.waiting, moonlit.running) = (1_070, 10);
        moonlit.freshness = "catching_up".to_owned();
        let reports = [ainong, moonlit, report("newmall", None), seoulbag];
        golden("malls_list", |width| table(&reports, at()).text(width) + &below(&reports, Some("seoulbag")));
    }
}
