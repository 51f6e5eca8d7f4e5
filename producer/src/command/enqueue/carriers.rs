//! The jobs of other runs that bring what was wished for: the wish made none of its own for their days, and waits for them.

use std::collections::BTreeSet;

use common::store::{Control, RunProgress, StoreError};
use uuid::Uuid;

/// How far they are. There may be hundreds of thousands, so those that ended are not asked for again.
#[derive(Debug)]
pub(super) struct Carriers {
    run: Uuid,
    /// Those that may still change.
    unsettled: Vec<Uuid>,
    /// Of those that ended.
    ended: RunProgress,
}

impl Carriers {
    pub(super) fn new(run: Uuid, jobs: &[Uuid]) -> Self {
        // Groups of one mall name a job that reaches over both.
        let jobs: BTreeSet<Uuid> = jobs.iter().copied().collect();
        Self { run, unsettled: jobs.into_iter().collect(), ended: RunProgress::default() }
    }

    /// How far all of them are now.
    pub(super) async fn progress(&mut self, control: &Control) -> Result<RunProgress, StoreError> {
        if self.unsettled.is_empty() {
            return Ok(self.ended);
        }
        let (now, unsettled) = control.carriers_progress(self.run, &self.unsettled).await?;
        self.unsettled = unsettled;
        let all = self.ended.with(now);
        self.ended = self.ended.with(over(now));
        Ok(all)
    }
}

/// The part of `progress` that does not change any more.
fn over(progress: RunProgress) -> RunProgress {
    let RunProgress { done, failed, cancelled, rows, .. } = progress;
    let jobs = done + failed + cancelled;
    RunProgress { jobs, done, failed, cancelled, rows, of_other_runs: jobs, ..RunProgress::default() }
}
