//! The JSON of `enqueue`.

use common::domain::job::Lane;
use common::store::RunProgress;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::wait::Ended;
use crate::feed::FeedReport;
use crate::output::json::SCHEMA_VERSION;
use crate::plan::preview::{Preview, Slices};

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    schema_version: u32,
    /// `null`: a dry run.
    run_id: Option<Uuid>,
    plan: String,
    slices: Slices,
    jobs: i64,
    /// Of the jobs, those that wait: their mall sends nothing now, or their endpoint is paused.
    parked: i64,
    requests: i64,
    /// `null`: nothing to do, or nobody knows.
    eta_s: Option<u64>,
    /// The bucket that sets the ETA.
    eta_set_by: Option<String>,
    /// The ETA with what it comes from.
    eta: Option<serde_json::Value>,
    lane: Lane,
    /// What cannot be asked, each with its reason and its malls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Value>,
    /// Jobs handed to the broker; `null`: the feeder does it.
    fed: Option<usize>,
    /// `none`, `elsewhere`, or `self` while waiting; `null`: not asked.
    leader: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<RunProgress>,
    /// `done`, `timed_out` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_s: Option<u64>,
}

impl Answer {
    pub(super) fn preview(preview: &Preview) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: None,
            plan: preview.id.clone(),
            slices: preview.slices,
            jobs: preview.jobs,
            parked: preview.parked_jobs,
            requests: preview.requests,
            eta_s: preview.eta.as_ref().and_then(|eta| eta.seconds),
            eta_set_by: preview.eta.as_ref().map(|eta| eta.key.to_string()),
            eta: preview.eta.as_ref().map(|eta| eta.json(preview.now)),
            lane: preview.lane,
            left_out: preview
                .left_out
                .iter()
                .map(|left| json!({ "why": left.why.to_string(), "malls": left.malls }))
                .collect(),
            fed: None,
            leader: None,
            progress: None,
            ended: None,
            waited_s: None,
        }
    }

    pub(super) fn planned(preview: &Preview, run: Uuid) -> Self {
        Self { run_id: Some(run), ..Self::preview(preview) }
    }

    pub(super) fn fed(&mut self, report: FeedReport) {
        self.fed = (!report.leader_elsewhere).then_some(report.published);
        self.leader = Some(if report.leader_elsewhere { "elsewhere" } else { "none" });
    }

    pub(super) fn waited(&mut self, ended: Ended) {
        self.leader = Some("self");
        self.progress = Some(ended.progress);
        self.ended = Some(ended.end.word());
        self.waited_s = Some(ended.waited.as_secs());
    }
}
