//! Planning a selection: group by group, each in a transaction of its own.

use std::time::Duration;

use common::domain::failure::FailureClass;
use common::store::{Control, PlanCounts, StoreError};
use tokio::time::sleep;
use uuid::Uuid;

use super::digest::Digest;
use super::groups::{Group, Groups, Pace};
use super::selection::Selection;

/// How often a group is tried when Postgres was away or another planner held its lock (`docs/reliability.md` S3).
const TRIES: u32 = 6;
/// Wait before the second try; it doubles with each.
const RETRY: Duration = Duration::from_millis(200);

/// What planning a selection came to.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Counts of all malls; `job_ids` empty.
    pub counts: PlanCounts,
    /// The plan's id: a short hash of all its jobs.
    pub id: String,
}

impl Selection {
    /// Plans all of it under `run_id`, or without one only counts. `tick` hears how many malls of how many are done.
    ///
    /// Groups that were planned before a failure stay planned; planning again continues, since nothing is planned twice.
    pub async fn plan(
        &self,
        control: &Control,
        run_id: Option<Uuid>,
        mut tick: impl FnMut(usize, usize),
    ) -> Result<Planned, StoreError> {
        let mut planned = Planned { counts: PlanCounts::default(), id: String::new() };
        let mut digest = Digest::of(&format!("{} {:?}", self.lane, self.wish));
        let (mut pace, mut groups, mut done) = (Pace::default(), Groups::of(self), 0);
        while let Some(group) = groups.next(&pace) {
            tick(done, self.malls.len());
            done += group.malls().len();
            let mut counts = self.plan_group(control, run_id, group, &mut pace).await?;
            digest.add(&std::mem::take(&mut counts.job_ids));
            planned.counts.add(counts);
        }
        tick(self.malls.len(), self.malls.len());
        planned.id = digest.short();
        Ok(planned)
    }

    async fn plan_group(
        &self,
        control: &Control,
        run_id: Option<Uuid>,
        group: Group,
        pace: &mut Pace,
    ) -> Result<PlanCounts, StoreError> {
        let mut counts = PlanCounts::default();
        let mut parts = vec![group];
        let mut tries = 1;
        while let Some(part) = parts.pop() {
            match control.plan(run_id, self.wish, self.lane, &part.shops, &part.chunks).await {
                Ok(planned) => {
                    pace.took(part.slices(), planned.worked);
                    counts.add(planned);
                    tries = 1;
                }
                Err(error) => {
                    let halves = if error.is_too_long() { part.halves() } else { None };
                    if let Some((first, rest)) = halves {
                        pace.gave_up(part.slices());
                        parts.extend([rest, first]);
                    } else if error.class() == FailureClass::Infrastructure && tries < TRIES {
                        tracing::debug!(error = &error as &dyn std::error::Error, "planning a group again");
                        sleep(RETRY * 2_u32.pow(tries)).await;
                        tries += 1;
                        parts.push(part);
                    } else {
                        return Err(error);
                    }
                }
            }
        }
        Ok(counts)
    }
}
