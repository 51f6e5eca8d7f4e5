//! Out of the archive: one by one, by cause, as a sum, byte for byte.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;
use uuid::Uuid;

use super::super::error::StoreError;
use super::super::pool::Control;
use super::super::prefix::{self, ALIKE};
use super::{DeadLetter, LetterFilter, columns, letter};

/// Letters of one class and cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterGroup {
    /// Its short name.
    pub group: String,
    /// Class of the failure.
    pub class: String,
    /// The failure without what differs from letter to letter.
    pub cause: String,
    /// How many.
    pub letters: i64,
    /// Of how many malls.
    pub malls: i64,
    /// When the first died.
    pub first: DateTime<Utc>,
    /// When the last died.
    pub last: DateTime<Utc>,
}

/// What a filter selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterSummary {
    /// How many.
    pub letters: i64,
    /// Of these, messages that are no jobs.
    pub no_jobs: i64,
    /// Malls.
    pub malls: i64,
    /// Causes.
    pub groups: i64,
    /// When the first died.
    pub first: Option<DateTime<Utc>>,
    /// When the last died.
    pub last: Option<DateTime<Utc>>,
    /// Changes with every letter that comes or goes.
    pub digest: String,
    /// When it was so, by Postgres's clock.
    pub as_of: DateTime<Utc>,
}

impl Control {
    /// Letters, newest first, at most `limit`, after the letter `after`.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM dead_letters d\n",
            include_str!("../sql/letter_filter.sql"),
            " AND ($13::uuid IS NULL OR (d.died_at, d.letter_id) < (SELECT died_at, letter_id FROM dead_letters WHERE letter_id = $13)) \
             ORDER BY d.died_at DESC, d.letter_id DESC LIMIT $14"
        );
        let rows = filter.query(sql).bind(after).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(letter).collect()
    }

    /// Letters by cause, the largest group first (`sql/letter_groups.sql`).
    pub async fn letter_groups(
        &self,
        filter: &LetterFilter,
        limit: i64,
    ) -> Result<Vec<LetterGroup>, StoreError> {
        let sql = concat!(
            include_str!("../sql/letter_groups.sql"),
            include_str!("../sql/letter_filter.sql"),
            " GROUP BY d.cause_id, d.class, d.cause ORDER BY letters DESC, last DESC, d.cause_id LIMIT $13"
        );
        let rows = filter.query(sql).bind(limit).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(LetterGroup {
                    group: row.try_get("cause_id")?,
                    class: row.try_get("class")?,
                    cause: row.try_get("cause")?,
                    letters: row.try_get("letters")?,
                    malls: row.try_get("malls")?,
                    first: row.try_get("first")?,
                    last: row.try_get("last")?,
                })
            })
            .collect()
    }

    /// What a filter selects (`sql/letter_summary.sql`).
    pub async fn letter_summary(&self, filter: &LetterFilter) -> Result<LetterSummary, StoreError> {
        let sql =
            concat!(include_str!("../sql/letter_summary.sql"), include_str!("../sql/letter_filter.sql"));
        let row = filter.query(sql).fetch_one(&self.pool).await?;
        Ok(LetterSummary {
            letters: row.try_get("letters")?,
            no_jobs: row.try_get("no_jobs")?,
            malls: row.try_get("malls")?,
            groups: row.try_get("groups")?,
            first: row.try_get("first")?,
            last: row.try_get("last")?,
            digest: row.try_get("digest")?,
            as_of: row.try_get("as_of")?,
        })
    }

    /// Letters whose id starts with `prefix` (hexadecimal digits, with or without hyphens), two at most.
    pub async fn letters_by_prefix(&self, prefix: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let Some((first, last)) = prefix::range(prefix) else { return Ok(Vec::new()) };
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM dead_letters d WHERE d.letter_id BETWEEN $1 AND $2 ORDER BY d.letter_id LIMIT $3"
        );
        let rows = sqlx::query(sql).bind(first).bind(last).bind(ALIKE).fetch_all(&self.pool).await?;
        rows.iter().map(letter).collect()
    }

    /// Groups whose name starts with `prefix`, two at most; those with open letters go before those without.
    pub async fn groups_by_prefix(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT cause_id FROM dead_letters WHERE starts_with(cause_id, $1) GROUP BY cause_id \
             ORDER BY bool_or(state = 'open') DESC, cause_id LIMIT $2",
        )
        .bind(prefix)
        .bind(ALIKE)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| row.try_get(0).map_err(StoreError::from)).collect()
    }

    /// The kept bytes of a letter's message.
    pub async fn letter_body(&self, letter_id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.letter_bodies(&[letter_id]).await?.remove(&letter_id))
    }

    /// The kept bytes of some letters' messages: a MiB each at most, so name few of the long ones at once.
    pub async fn letter_bodies(&self, letter_ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, StoreError> {
        let rows = sqlx::query("SELECT letter_id, body FROM dead_letters WHERE letter_id = ANY ($1)")
            .bind(letter_ids)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((row.try_get("letter_id")?, row.try_get("body")?))).collect()
    }
}
