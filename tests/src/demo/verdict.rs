//! The end: every row compared, everything counted.

use std::time::Duration;

use super::coverage;
use super::crew::Cost;
use super::plan::{Plan, ideal};
use super::report::{Report, rounded};
use super::show::{Show, thousands};
use super::stage::Stage;
use crate::harness::{Result, Summary, compare_with_truth};
use crate::simulator;

/// Compares, writes the report, prints the summary; `true` if all is right.
pub(super) async fn reach(
    stage: &mut Stage,
    plan: &Plan,
    cost: Cost,
    makespan: Duration,
    show: &Show,
) -> Result<bool> {
    let summary = compare_with_truth(&stage.sim, stage.books.client().await?, &plan.spans).await?;
    let seen = stage.sim.report();
    let complete = stage.books.complete_slices(plan.from, plan.to).await?;
    let letters = stage.books.letters().await?;
    let report = Report {
        letters_replayed: letters.replayed,
        letters_open: letters.open,
        ..report(plan, complete, &summary, &seen, cost, makespan)
    };
    print(&report, &summary, &seen, show);
    for line in coverage::lines(&stage.books.coverage().await?, plan.from, plan.to) {
        show.line(&line);
    }
    for failure in stage.books.failures().await? {
        show.note(&format!("failed: {failure}"));
    }
    let path = report.write()?;
    show.line(&format!(" report       {}", path.display()));
    Ok(report.is_good())
}

fn report(
    plan: &Plan,
    slices_complete: u64,
    summary: &Summary,
    seen: &simulator::Report,
    cost: Cost,
    makespan: Duration,
) -> Report {
    let (jobs, makespan_s) = (plan.jobs(), makespan.as_secs_f64());
    let ideal_s = ideal(seen.malls.values().map(|mall| mall.requests));
    let cpu_us = u64::try_from(cost.cpu.as_micros()).unwrap_or(u64::MAX);
    let peak_kib = u32::try_from(cost.peak_kib).unwrap_or(u32::MAX);
    Report {
        slices_wanted: plan.slices,
        slices_complete,
        rows_equal: summary.equal,
        rows_missing: summary.missing,
        rows_extra: summary.extra,
        rows_wrong: summary.wrong,
        jobs,
        requests: seen.total.requests,
        throttled: seen.total.throttled,
        makespan_s: rounded(makespan_s),
        ideal_s,
        ratio: (ideal_s > 0.0).then(|| rounded(makespan_s / ideal_s)),
        redelivered: cost.redelivered,
        letters_replayed: 0,
        letters_open: 0,
        worker_cpu_us_per_job: cpu_us / jobs.max(1),
        worker_peak_rss_mb: rounded(f64::from(peak_kib) / 1_024.0),
    }
}

fn print(report: &Report, summary: &Summary, seen: &simulator::Report, show: &Show) {
    let rows = report.rows_equal + report.rows_missing + report.rows_wrong;
    let mark = if report.is_good() { '✓' } else { '✗' };
    show.line(&format!(
        " {mark} checked    {} of {} rows equal the simulator's books · {} missing · {} extra · {} wrong",
        thousands(report.rows_equal),
        thousands(rows),
        report.rows_missing,
        report.rows_extra,
        report.rows_wrong
    ));
    for example in &summary.examples {
        show.line(&format!("              {example}"));
    }
    show.line(&format!(
        "   slices     {} of {} complete",
        thousands(report.slices_complete),
        thousands(report.slices_wanted)
    ));
    show.line(&format!(
        "   requests   {} for {} jobs · {} × 429 · most of a mall in any 20 s: {} of {} allowed",
        thousands(report.requests),
        thousands(report.jobs),
        report.throttled,
        seen.total.max_in_20s,
        seen.total.allowed_in_20s
    ));
    let least = match report.ratio {
        Some(ratio) => format!("{ratio:.3} × the least possible {:.1} s", report.ideal_s),
        None => "no mall reached its limit".to_owned(),
    };
    show.line(&format!("   time       {:.1} s · {least}", report.makespan_s));
    show.line(&format!(
        "   workers    {} µs CPU a job · {:.1} MB at most · {} deliveries given twice",
        thousands(report.worker_cpu_us_per_job),
        report.worker_peak_rss_mb,
        report.redelivered
    ));
}
