//! The archive of what failed for good.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::error::StoreError;
use super::pool::Control;

/// How much of a message is kept.
const BODY_KEPT: usize = 4096;

/// A message out of the dead-letter queue.
#[derive(Debug)]
pub struct DeadMessage {
    /// The job it names, if it is one.
    pub job_id: Option<Uuid>,
    /// The message, byte for byte.
    pub body: Vec<u8>,
    /// Whether the broker delivered it to a drainer before.
    pub redelivered: bool,
    /// Why it is dead, if the ledger does not know.
    pub reason: String,
}

/// An archived letter.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// The job's id, or one of its own.
    pub letter_id: Uuid,
    /// The job.
    pub job_id: Option<Uuid>,
    /// The mall.
    pub mall_id: Option<String>,
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
    /// Class of the failure.
    pub class: String,
    /// The failure in words.
    pub reason: String,
    /// Failed attempts.
    pub attempts: i32,
    /// Request, status and the answer's head.
    pub evidence: Option<serde_json::Value>,
    /// The message's first 4 KiB, as text.
    pub body: String,
    /// The message's whole length.
    pub body_bytes: i64,
    /// When it failed.
    pub died_at: DateTime<Utc>,
    /// The run that replays it.
    pub replay_run: Option<Uuid>,
    /// When it was replayed.
    pub replayed_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "letter_id, job_id, mall_id, shop_no, endpoint, granularity, start_date, end_date, class, reason, \
     attempts, evidence, body, body_bytes, died_at, replay_run, replayed_at";

impl Control {
    /// Archives messages (`sql/archive_letters.sql`); acknowledge them after this returns. Returns how many were new.
    pub async fn archive(&self, messages: &[DeadMessage]) -> Result<u64, StoreError> {
        let fresh_ids: Vec<Uuid> = messages.iter().map(|_| Uuid::now_v7()).collect();
        let job_ids: Vec<Option<Uuid>> = messages.iter().map(|m| m.job_id).collect();
        let bodies: Vec<&[u8]> = messages.iter().map(|m| &m.body[..m.body.len().min(BODY_KEPT)]).collect();
        let lengths: Vec<i64> =
            messages.iter().map(|m| i64::try_from(m.body.len()).unwrap_or(i64::MAX)).collect();
        let hashes: Vec<i64> = messages.iter().map(|m| xxh3_64(&m.body).cast_signed()).collect();
        let redelivered: Vec<bool> = messages.iter().map(|m| m.redelivered).collect();
        let reasons: Vec<&str> = messages.iter().map(|m| m.reason.as_str()).collect();
        let done = sqlx::query(include_str!("sql/archive_letters.sql"))
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

    /// Letters that nobody has replayed, newest first.
    pub async fn open_letters(&self, limit: i64) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM dead_letters WHERE replayed_at IS NULL ORDER BY died_at DESC LIMIT $1"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(letter).collect()
    }

    /// How many letters nobody has replayed.
    pub async fn open_letter_count(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Letters whose id starts with `prefix` (hexadecimal digits, with or without hyphens); two are enough to know
    /// that it is ambiguous.
    pub async fn letters_by_prefix(&self, prefix: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM dead_letters WHERE starts_with(replace(letter_id::text, '-', ''), replace($1, '-', '')) \
             ORDER BY letter_id LIMIT 2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(prefix).fetch_all(&self.pool).await?;
        rows.iter().map(letter).collect()
    }

    /// Notes that a run replays the letter. `false`: it was replayed before.
    pub async fn mark_replayed(&self, letter_id: Uuid, run_id: Uuid) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE dead_letters SET replay_run = $2, replayed_at = now() WHERE letter_id = $1 AND replayed_at IS NULL",
        )
        .bind(letter_id)
        .bind(run_id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn letter(row: &PgRow) -> Result<DeadLetter, StoreError> {
    let body: Vec<u8> = row.try_get("body")?;
    Ok(DeadLetter {
        letter_id: row.try_get("letter_id")?,
        job_id: row.try_get("job_id")?,
        mall_id: row.try_get("mall_id")?,
        shop_no: row.try_get("shop_no")?,
        endpoint: row.try_get("endpoint")?,
        granularity: row.try_get("granularity")?,
        start: row.try_get("start_date")?,
        end: row.try_get("end_date")?,
        class: row.try_get("class")?,
        reason: row.try_get("reason")?,
        attempts: row.try_get("attempts")?,
        evidence: row.try_get("evidence")?,
        body: String::from_utf8_lossy(&body).into_owned(),
        body_bytes: row.try_get("body_bytes")?,
        died_at: row.try_get("died_at")?,
        replay_run: row.try_get("replay_run")?,
        replayed_at: row.try_get("replayed_at")?,
    })
}
