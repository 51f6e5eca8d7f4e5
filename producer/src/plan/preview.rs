//! A plan as it is shown: slices, jobs, requests, and when it will be done.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::domain::calendar::{DayRange, Granularity};
use common::domain::endpoint::Endpoint;
use common::domain::job::Lane;
use common::store::{EndpointPause, PlanCounts};
use serde::Serialize;
use uuid::Uuid;

use super::eta::Eta;
use super::left_out::LeftOut;
use super::planning::Planned;
use super::selection::Selection;
use crate::output::paint::{bold, command, dim, remedy, warn};
use crate::output::text::{clean, counted, number};
use crate::remedy::{subject, why_paused, why_silent};

/// Malls that send nothing, named in a preview before "and N more".
const NAMED: usize = 5;

/// Everything that a preview says.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Short hash of the jobs.
    pub id: String,
    /// Malls selected.
    pub malls: usize,
    /// Their endpoints, each with its jobs.
    pub endpoints: Vec<(String, i64)>,
    /// The longest chunks, in days, of those endpoints; one if all are alike.
    pub chunk_days: Vec<u32>,
    /// KST days.
    pub range: DayRange,
    /// What one row covers.
    pub granularity: Granularity,
    /// How urgently.
    pub lane: Lane,
    /// The counts.
    pub slices: Slices,
    /// Jobs to make, one request each.
    pub jobs: i64,
    /// Backfill jobs lifted into the fresh lane.
    pub lifted: i64,
    /// Of the jobs, those that wait: their mall sends nothing, or their endpoint is paused.
    pub parked_jobs: i64,
    /// Those malls and endpoints, each with the reason.
    pub parked: Vec<(String, String)>,
    /// What cannot be asked at all.
    pub left_out: Vec<LeftOut>,
    /// Endpoints that are asked day by day although longer chunks are wished for.
    pub day_by_day: Vec<Endpoint>,
    /// Requests that the jobs will take; more than the jobs where answers come in pages.
    pub requests: i64,
    /// When it is done.
    pub eta: Option<Eta>,
    /// When this was said.
    pub now: DateTime<Utc>,
    /// Whether a bucket serves one mall.
    pub key_is_mall: bool,
    /// Jobs of other runs that bring slices of the wish; none of a dry run.
    pub carriers: Vec<Uuid>,
}

/// What became of the wished slices.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Slices {
    /// Named by the wish.
    pub wanted: i64,
    /// Of these, complete.
    pub complete: i64,
    /// Of these, in a live job.
    pub in_work: i64,
    /// Of these, failed for good and left to a replay.
    pub failed: i64,
    /// The rest.
    pub to_fetch: i64,
}

impl From<&PlanCounts> for Slices {
    fn from(counts: &PlanCounts) -> Self {
        Self {
            wanted: counts.wanted,
            complete: counts.complete,
            in_work: counts.in_work,
            failed: counts.failed,
            to_fetch: counts.to_fetch(),
        }
    }
}

impl Slices {
    /// `240 wanted − 236 complete − 0 queued = 4`.
    pub(crate) fn words(self) -> String {
        let failed =
            if self.failed > 0 { format!(" − {} failed", number(self.failed)) } else { String::new() };
        format!(
            "{} wanted − {} complete − {} queued{failed} = {}",
            number(self.wanted),
            number(self.complete),
            number(self.in_work),
            number(self.to_fetch)
        )
    }
}

impl Preview {
    /// Puts together what `selection` was planned as.
    pub fn new(
        selection: &Selection,
        planned: &Planned,
        pauses: &[EndpointPause],
        eta: Option<Eta>,
        now: DateTime<Utc>,
        key_is_mall: bool,
    ) -> Self {
        let counts = &planned.counts;
        let jobs_of = |name: &str| counts.by_endpoint.get(name).copied().unwrap_or(0);
        let mut chunk_days: Vec<u32> = Vec::new();
        for mall in &selection.malls {
            for endpoint in selection.endpoints_of(mall) {
                let Some(days) = selection.longest_chunk(endpoint, mall.dialect) else { continue };
                if !chunk_days.contains(&days) {
                    chunk_days.push(days);
                }
            }
        }
        Self {
            id: planned.id.clone(),
            malls: selection.malls.len(),
            endpoints: selection
                .endpoints_asked()
                .iter()
                .map(|e| (e.to_string(), jobs_of(e.as_str())))
                .collect(),
            chunk_days,
            range: selection.range,
            granularity: selection.granularity,
            lane: selection.lane,
            slices: counts.into(),
            jobs: counts.jobs,
            lifted: counts.lifted,
            parked_jobs: counts.parked,
            parked: selection
                .malls
                .iter()
                .filter(|mall| !mall.sends())
                .map(|mall| (mall.mall_id.to_string(), why_silent(mall)))
                .chain(
                    pauses
                        .iter()
                        .filter(|pause| selection.is_hit_by(pause))
                        .map(|pause| (subject(pause), why_paused(pause))),
                )
                .collect(),
            left_out: selection.left_out(),
            day_by_day: selection.day_by_day(),
            requests: counts.requests(),
            eta,
            now,
            key_is_mall,
            carriers: counts.carriers.clone(),
        }
    }

    /// The plan in words. `note` stands at the right of the first line.
    pub fn text(&self, note: &str) -> String {
        let mut out = String::new();
        let head = format!(
            "plan {}   {} · {} · {} (KST)",
            self.id,
            counted(of(self.malls), "mall", "malls"),
            counted(of(self.endpoints.len()), "endpoint", "endpoints"),
            self.range
        );
        let pad = 92_usize.saturating_sub(head.chars().count()).max(3);
        if note.is_empty() {
            let _ = writeln!(out, "{}", bold(head));
        } else {
            let _ = writeln!(out, "{}{:pad$}{}", bold(head), "", dim(note));
        }
        let s = self.slices;
        self.row(&mut out, "slices", &s.words());
        if self.jobs > 0 {
            let each: Vec<_> =
                self.endpoints.iter().map(|(name, jobs)| format!("{name} {}", number(*jobs))).collect();
            self.row(
                &mut out,
                "jobs",
                &format!(
                    "{}    {} ({})    lane {}",
                    number(self.jobs),
                    each.join(" · "),
                    self.chunk_words(),
                    self.lane
                ),
            );
            self.row(&mut out, "requests", &self.request_words());
        } else {
            self.row(&mut out, "jobs", "0    nothing has to be fetched");
        }
        if let Some(eta) = &self.eta {
            self.row(&mut out, "ETA", &eta.words(self.now, self.key_is_mall));
        }
        if self.lifted > 0 {
            let jobs = counted(self.lifted, "backfill job", "backfill jobs");
            self.row(&mut out, "lifted", &format!("{jobs} of these slices into the fresh lane"));
        }
        if s.failed > 0 {
            let replay = format!("{}, or --failed to fetch them here", command("cafe24-sync dead replay"));
            self.row(
                &mut out,
                "failed",
                &format!("{} for good → {replay}", counted(s.failed, "slice", "slices")),
            );
        }
        if !self.day_by_day.is_empty() {
            let names: Vec<&str> = self.day_by_day.iter().map(|endpoint| endpoint.as_str()).collect();
            let _ = writeln!(
                out,
                "{} {}: the live dialect answers one total for a range, so one day a request whatever --chunk-days says",
                warn("! by day   "),
                names.join(", ")
            );
        }
        for left in &self.left_out {
            let _ = writeln!(out, "{} {}", warn("! left out "), left.text());
        }
        if !self.parked.is_empty() {
            self.parked_lines(&mut out);
        } else if self.parked_jobs > 0 {
            let jobs = counted(self.parked_jobs, "job waits", "jobs wait");
            let _ = writeln!(
                out,
                "{} {jobs}: their malls take from another bucket since a moment ago",
                warn("! paused   ")
            );
        }
        out
    }

    #[expect(clippy::unused_self, reason = "reads as a part of the text")]
    fn row(&self, out: &mut String, label: &str, text: &str) {
        let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<10}")));
    }

    fn request_words(&self) -> String {
        if self.requests <= self.jobs {
            return format!("{}, one a job", number(self.jobs));
        }
        format!(
            "about {} (at least {}; the malls' newest days say how many pages an answer has)",
            number(self.requests),
            number(self.jobs)
        )
    }

    fn chunk_words(&self) -> String {
        match (self.granularity, self.chunk_days.as_slice()) {
            (Granularity::Day, [days]) => format!("{days}-day chunks"),
            (Granularity::Day, _) => "chunks by endpoint".to_owned(),
            (granularity, _) => format!("whole {granularity}s"),
        }
    }

    fn parked_lines(&self, out: &mut String) {
        let who = match self.parked_jobs {
            0 => String::new(),
            jobs => format!("{}: ", counted(jobs, "job waits", "jobs wait")),
        };
        let _ = writeln!(out, "{} {who}nothing is sent for", warn("! paused   "));
        for (mall, why) in self.parked.iter().take(NAMED) {
            let _ = writeln!(out, "            {mall}: {}", remedy(clean(why)));
        }
        if self.parked.len() > NAMED {
            let _ = writeln!(
                out,
                "            and {} more → {}",
                self.parked.len() - NAMED,
                command("cafe24-sync malls list")
            );
        }
    }
}

fn of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
