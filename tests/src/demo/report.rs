//! The summary as JSON: the fields that people and CI compare between runs.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;

use crate::harness::{Context as _, Result, root};

/// `target/demo/report.json`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Report {
    pub(super) slices_wanted: u64,
    pub(super) slices_complete: u64,
    pub(super) rows_equal: u64,
    pub(super) rows_missing: u64,
    pub(super) rows_extra: u64,
    pub(super) rows_wrong: u64,
    pub(super) jobs: u64,
    pub(super) requests: u64,
    /// Answers of 429.
    pub(super) throttled: u64,
    /// From the start of the workers to the end of the last job.
    pub(super) makespan_s: f64,
    /// `max over malls of max(0, requests − 35) / 2`.
    pub(super) ideal_s: f64,
    /// Makespan to ideal; `null` if the ideal is 0.
    pub(super) ratio: Option<f64>,
    pub(super) redelivered: u64,
    /// Dead letters that were replayed, and those that nobody has dealt with.
    pub(super) letters_replayed: u64,
    pub(super) letters_open: u64,
    pub(super) worker_cpu_us_per_job: u64,
    pub(super) worker_peak_rss_mb: f64,
}

impl Report {
    /// All slices complete, all rows equal, no answer of 429, no letter left.
    pub(super) fn is_good(&self) -> bool {
        self.slices_wanted > 0
            && self.slices_complete == self.slices_wanted
            && self.rows_equal > 0
            && self.rows_missing + self.rows_extra + self.rows_wrong == 0
            && self.throttled == 0
            && self.letters_open == 0
    }

    pub(super) fn write(&self) -> Result<PathBuf> {
        let path = root().join("target/demo/report.json");
        let text = serde_json::to_string_pretty(self).context("the report")?;
        fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// Three digits after the point say enough.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
