//! The archive of what failed for good.
//!
//! A letter is *open* until a person replays it (a new wish, through planning), discards it or purges it; the last two
//! can be taken back. Who did it and why stands in the letter and in the audit log. [`LetterFilter`] says which letters
//! a call means, whatever the call.

mod archive;
mod change;
mod filter;
mod list;
mod replay;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::error::StoreError;

pub use archive::{BODY_KEPT, DeadMessage};
pub use change::{Change, LettersOver};
pub use filter::{LetterFilter, LetterState, UnknownLetterState};
pub use list::{LetterGroup, LetterSummary};
pub use replay::{Replay, ReplayCursor, ReplayPage, ReplayRun};

/// An archived letter.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// The job's id, or one of its own.
    pub letter_id: Uuid,
    /// The job.
    pub job_id: Option<Uuid>,
    /// The group: what letters of the same class and cause have in common.
    pub group: String,
    /// The failure without what differs from letter to letter.
    pub cause: String,
    /// The run that the job belonged to.
    pub run_id: Option<Uuid>,
    /// The mall.
    pub mall_id: Option<String>,
    /// Its agency when the letter was archived.
    pub agency: Option<String>,
    /// The shop.
    pub shop_no: Option<i32>,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// day, week or month.
    pub granularity: Option<String>,
    /// First day of the chunk.
    pub start: Option<NaiveDate>,
    /// Last day of the chunk.
    pub end: Option<NaiveDate>,
    /// The lane the job was in.
    pub lane: Option<String>,
    /// Class of the failure.
    pub class: String,
    /// The failure in words.
    pub reason: String,
    /// Failed attempts.
    pub attempts: i32,
    /// Failed attempts, oldest first, with those of the letters whose replays failed.
    pub history: serde_json::Value,
    /// How often it has come to the archive.
    pub round: i32,
    /// The letter whose replay failed with this one.
    pub replay_of: Option<Uuid>,
    /// Request, status and the answer's head.
    pub evidence: Option<serde_json::Value>,
    /// The message's first 4 KiB, as text.
    pub body: String,
    /// The message's whole length.
    pub body_bytes: i64,
    /// When it failed.
    pub died_at: DateTime<Utc>,
    /// Where it stands.
    pub state: String,
    /// Since when.
    pub state_at: DateTime<Utc>,
    /// Who brought it there.
    pub state_by: Option<String>,
    /// Why.
    pub state_reason: Option<String>,
    /// The run that replays it.
    pub replay_run: Option<Uuid>,
    /// When it was replayed.
    pub replayed_at: Option<DateTime<Utc>>,
}

/// What [`letter`] reads, of `dead_letters d`.
macro_rules! columns {
    () => {
        "d.letter_id, d.job_id, d.cause_id, d.cause, d.run_id, d.mall_id, d.agency_id, d.shop_no, d.endpoint, d.granularity, \
         d.start_date, d.end_date, d.lane, d.class, d.reason, d.attempts, d.history, d.round, d.replay_of, d.evidence, \
         substr(d.body, 1, 4096) AS body, d.body_bytes, d.died_at, d.state, d.state_at, d.state_by, d.state_reason, \
         d.replay_run, d.replayed_at"
    };
}
use columns;

fn letter(row: &PgRow) -> Result<DeadLetter, StoreError> {
    let body: Vec<u8> = row.try_get("body")?;
    Ok(DeadLetter {
        letter_id: row.try_get("letter_id")?,
        job_id: row.try_get("job_id")?,
        group: row.try_get("cause_id")?,
        cause: row.try_get("cause")?,
        run_id: row.try_get("run_id")?,
        mall_id: row.try_get("mall_id")?,
        agency: row.try_get("agency_id")?,
        shop_no: row.try_get("shop_no")?,
        endpoint: row.try_get("endpoint")?,
        granularity: row.try_get("granularity")?,
        start: row.try_get("start_date")?,
        end: row.try_get("end_date")?,
        lane: row.try_get("lane")?,
        class: row.try_get("class")?,
        reason: row.try_get("reason")?,
        attempts: row.try_get("attempts")?,
        history: row.try_get("history")?,
        round: row.try_get("round")?,
        replay_of: row.try_get("replay_of")?,
        evidence: row.try_get("evidence")?,
        body: String::from_utf8_lossy(&body).into_owned(),
        body_bytes: row.try_get("body_bytes")?,
        died_at: row.try_get("died_at")?,
        state: row.try_get("state")?,
        state_at: row.try_get("state_at")?,
        state_by: row.try_get("state_by")?,
        state_reason: row.try_get("state_reason")?,
        replay_run: row.try_get("replay_run")?,
        replayed_at: row.try_get("replayed_at")?,
    })
}
