//! Walking through a replay: page after page, with a retry where Postgres was away for a moment.

use std::time::Duration;

use chrono::NaiveDate;
use common::domain::failure::FailureClass;
use common::store::{Control, PlanCounts, Replay, ReplayCursor, ReplayPage, StoreError};
use tokio::time::sleep;
use uuid::Uuid;

use crate::plan::digest::Digest;

/// How often a page is tried when Postgres was away or another planner held its lock.
const TRIES: u32 = 6;
/// Wait before the second try; it doubles with each.
const RETRY: Duration = Duration::from_millis(200);

/// What replaying came to, or would.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Letters read.
    pub letters: i64,
    /// Of these, what cannot be planned: their mall was removed, or does not know the endpoint any more. They stay open.
    pub left: i64,
    /// What became of the slices; `job_ids` empty.
    pub counts: PlanCounts,
    /// The plan's id: a short hash of the letters, their jobs, and how they shall run.
    pub id: String,
}

/// Replays all letters of `replay` under `run` (its id, and who acts), or only counts. `tick` hears after each page what
/// was done so far.
///
/// A page whose commit was not answered is asked for again: its letters are replayed then, and no longer in it.
///
/// # Errors
/// What was replayed before stays replayed, under its run.
pub async fn pages(
    control: &Control,
    run: Option<(Uuid, &str)>,
    replay: &Replay,
    open_from: NaiveDate,
    mut tick: impl FnMut(&Replayed),
) -> Result<Replayed, StoreError> {
    let mut done = Replayed::default();
    let mut digest = Digest::of(&format!("replay {} {:?}", replay.lane, replay.per_second));
    let mut after = None;
    loop {
        let mut page = page(control, run, replay, open_from, after.as_ref()).await?;
        digest.add(&page.letters);
        digest.add(&std::mem::take(&mut page.counts.job_ids));
        done.letters += i64::try_from(page.letters.len()).unwrap_or(i64::MAX);
        done.left += page.left;
        done.counts.add(page.counts);
        tick(&done);
        after = page.next;
        if after.is_none() {
            done.id = digest.short();
            return Ok(done);
        }
    }
}

async fn page(
    control: &Control,
    run: Option<(Uuid, &str)>,
    replay: &Replay,
    open_from: NaiveDate,
    after: Option<&ReplayCursor>,
) -> Result<ReplayPage, StoreError> {
    let mut tries = 1;
    loop {
        match control.replay_page(run, replay, open_from, after).await {
            Err(error) if error.class() == FailureClass::Infrastructure && tries < TRIES => {
                tracing::debug!(error = &error as &dyn std::error::Error, "replaying a page again");
                sleep(RETRY * 2_u32.pow(tries)).await;
                tries += 1;
            }
            result => return result,
        }
    }
}
