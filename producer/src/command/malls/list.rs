//! `malls list`

use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::ids::MallId;
use common::store::{Approval, Control, MallReport, StoreError};
use serde::Serialize;

use crate::command::context::Context;
use crate::command::health::{Status, health, through};
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};
use crate::output::plain::tsv;
use crate::output::table::{Align, table};
use crate::output::text::number;

/// Malls shown where none said how many.
const SCREEN: u32 = 50;
/// Malls read at once.
const PAGE: u32 = 500;

const COLUMNS: [(&str, Align); 8] = [
    ("MALL", Align::Left),
    ("SHOP", Align::Left),
    ("STATUS", Align::Left),
    ("COMPLETE THROUGH", Align::Left),
    ("GAPS", Align::Right),
    ("QUEUED", Align::Right),
    ("DEAD", Align::Right),
    ("WHY", Align::Left),
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
    } else if output.plain {
        output.answer(&plain(&reports))?;
    } else if reports.is_empty() && after.is_none() {
        output.answer("no mall is connected yet")?;
        output.note("connect one: cafe24-sync connect MALL; many: cafe24-sync malls import FILE");
    } else {
        output.answer(&text(&reports, next.as_deref(), now))?;
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

/// The table, and what is not in it.
fn text(reports: &[MallReport], next: Option<&str>, now: DateTime<Utc>) -> String {
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let found = health(report);
            vec![
                report.mall_id.clone(),
                shops(report),
                found.status.word().to_owned(),
                through(report.complete_through, now),
                number(report.gaps),
                number(report.waiting + report.running),
                number(report.dead),
                crate::output::text::short(&found.reason, 48),
            ]
        })
        .collect();
    let mut out = table(&COLUMNS, &rows);
    if let Some(next) = next {
        let _ = writeln!(out, "{} shown · next: --after {next} · everything: --plain | less", reports.len());
    }
    out
}

fn plain(reports: &[MallReport]) -> String {
    let names = [
        "mall_id",
        "agency",
        "shops",
        "status",
        "complete_through",
        "gaps",
        "waiting",
        "running",
        "dead",
        "state",
        "mode",
        "limiter_key",
        "why",
    ];
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let found = health(report);
            vec![
                report.mall_id.clone(),
                report.agency.clone(),
                shops(report),
                found.status.word().to_owned(),
                report.complete_through.map(|day| day.to_string()).unwrap_or_default(),
                report.gaps.to_string(),
                report.waiting.to_string(),
                report.running.to_string(),
                report.dead.to_string(),
                report.state.clone(),
                report.mode.clone().unwrap_or_default(),
                report.limiter_key.clone(),
                found.reason,
            ]
        })
        .collect();
    tsv(&names, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::health::tests::{at, report};
    use crate::output::paint::bare;

    #[test]
    fn the_list_shows_what_one_asks_first() {
        let mut seoulbag = report("seoulbag", Some("2026-02-12"));
        seoulbag.shops = vec![1, 2];
        seoulbag.state = "needs_scope".to_owned();
        seoulbag.reason = Some("scope mall.analytics missing".to_owned());
        (seoulbag.gaps, seoulbag.waiting) = (24, 32);
        let mut ainong = report("ainong", Some("2026-02-12"));
        (ainong.gaps, ainong.dead, ainong.dead_causes) = (3, 3, 1);
        ainong.dead_group = Some("9f31c2a".to_owned());
        ainong.dead_cause = Some("products: data[].orderCount is missing".to_owned());
        let mut moonlit = report("moonlit", Some("2026-02-15"));
        (moonlit.waiting, moonlit.running) = (1_070, 10);
        moonlit.freshness = "catching_up".to_owned();
        let text = text(&[ainong, moonlit, report("newmall", None), seoulbag], Some("seoulbag"), at());
        assert_eq!(bare(&text), include_str!("../../../tests/golden/malls_list.txt"));
    }
}
