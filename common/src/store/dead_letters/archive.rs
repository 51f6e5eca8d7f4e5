//! Into the archive.

use sqlx::Row;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::super::error::StoreError;
use super::super::pool::Control;

/// How much of a message is kept: sixty times what a message of ours may have.
pub const BODY_KEPT: usize = 1 << 20;

/// A message out of the dead-letter queue.
#[derive(Debug)]
pub struct DeadMessage<'a> {
    /// The job it names, if it is one.
    pub job_id: Option<Uuid>,
    /// The message, byte for byte.
    pub body: &'a [u8],
    /// Whether the broker delivered it to a drainer before.
    pub redelivered: bool,
    /// Why it is dead, if the ledger does not know.
    pub reason: String,
}

impl Control {
    /// Archives messages (`sql/archive_letters.sql`); acknowledge them after this returns. Returns how many were new.
    pub async fn archive(&self, messages: &[DeadMessage<'_>]) -> Result<u64, StoreError> {
        let fresh_ids: Vec<Uuid> = messages.iter().map(|_| Uuid::now_v7()).collect();
        let job_ids: Vec<Option<Uuid>> = messages.iter().map(|m| m.job_id).collect();
        let bodies: Vec<&[u8]> = messages.iter().map(|m| &m.body[..m.body.len().min(BODY_KEPT)]).collect();
        let lengths: Vec<i64> =
            messages.iter().map(|m| i64::try_from(m.body.len()).unwrap_or(i64::MAX)).collect();
        let hashes: Vec<i64> = messages.iter().map(|m| xxh3_64(m.body).cast_signed()).collect();
        let redelivered: Vec<bool> = messages.iter().map(|m| m.redelivered).collect();
        let reasons: Vec<&str> = messages.iter().map(|m| m.reason.as_str()).collect();
        let done = sqlx::query(include_str!("../sql/archive_letters.sql"))
            .bind(&fresh_ids)
            .bind(&job_ids)
            .bind(&bodies)
            .bind(&lengths)
            .bind(&hashes)
            .bind(&redelivered)
            .bind(&reasons)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }

    /// How many letters wait for a person.
    pub async fn open_letter_count(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM dead_letters WHERE state = 'open'")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }
}
