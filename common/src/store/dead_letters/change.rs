//! Discard, purge, restore, and what is forgotten at last.

use std::time::Duration;

use sqlx::Row;
use uuid::Uuid;

use super::super::audit::{self, AuditEntry};
use super::super::error::StoreError;
use super::super::pool::Control;
use super::{LetterFilter, LetterState};

/// Letters changed in one transaction, with one entry in the audit log.
const PART: i64 = 20_000;
/// How long a purged letter can be restored.
const UNDO: Duration = Duration::from_hours(7 * 24);
/// Letters forgotten at once; the rest waits for the next time.
const PRUNED_AT_ONCE: i64 = 20_000;

/// What becomes of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They are not wanted: open ones are put aside.
    Discard,
    /// They are deleted, 7 days from now.
    Purge,
    /// They go back to where they were before they were discarded or purged.
    Restore,
}

impl Change {
    /// `discard`, as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discard => "discard",
            Self::Purge => "purge",
            Self::Restore => "restore",
        }
    }

    /// States that it leaves.
    pub fn from(self) -> &'static [LetterState] {
        match self {
            Self::Discard => &[LetterState::Open],
            Self::Purge => &[LetterState::Open, LetterState::Replayed, LetterState::Discarded],
            Self::Restore => &[LetterState::Discarded, LetterState::Purged],
        }
    }

    fn to(self) -> Option<LetterState> {
        match self {
            Self::Discard => Some(LetterState::Discarded),
            Self::Purge => Some(LetterState::Purged),
            Self::Restore => None,
        }
    }
}

/// When letters that are over are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct LettersOver {
    /// Replayed or discarded. 90 days.
    pub kept: Duration,
}

impl Control {
    /// Changes all letters of `filter` that `change` can leave, in parts; after each, `tick` hears how many are changed.
    /// A part is one transaction with `entry` in the audit log, to whose details the number of letters is added.
    pub async fn change_letters(
        &self,
        change: Change,
        filter: &LetterFilter,
        reason: Option<&str>,
        entry: &AuditEntry<'_>,
        mut tick: impl FnMut(i64),
    ) -> Result<i64, StoreError> {
        let from: Vec<&str> = change.from().iter().map(|state| state.as_str()).collect();
        let sql = concat!(
            "WITH chosen AS (SELECT d.letter_id FROM dead_letters d\n",
            include_str!("../sql/letter_filter.sql"),
            include_str!("../sql/change_letters.sql")
        );
        let (mut changed, mut after) = (0, Uuid::nil());
        loop {
            let mut tx = self.pool.begin().await?;
            let row = filter
                .query(sql)
                .bind(&from)
                .bind(change.to().map(LetterState::as_str))
                .bind(entry.actor)
                .bind(reason)
                .bind(PART)
                .bind(after)
                .fetch_one(&mut *tx)
                .await?;
            let letters: i64 = row.try_get("letters")?;
            let Some(last) = row.try_get::<Option<Uuid>, _>("last")? else { break };
            let mut entry = entry.clone();
            entry.details["letters"] = letters.into();
            audit::record(&mut tx, &entry).await?;
            tx.commit().await?;
            (changed, after) = (changed + letters, last);
            tick(changed);
        }
        Ok(changed)
    }

    /// Forgets what was purged more than 7 days ago, and what has been over for long (`sql/prune_letters.sql`).
    pub async fn prune_letters(&self, over: LettersOver) -> Result<i64, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(include_str!("../sql/prune_letters.sql"))
            .bind(UNDO.as_secs_f64())
            .bind(over.kept.as_secs_f64())
            .bind(PRUNED_AT_ONCE)
            .fetch_one(&mut *tx)
            .await?;
        let letters: i64 = row.try_get("letters")?;
        if letters > 0 {
            let entry = AuditEntry {
                actor: "daemon:reconcile",
                action: "dead.forget",
                mall: None,
                target: "purged 7 days ago, or over for longer than dead.keep",
                plan: None,
                details: serde_json::json!({ "letters": letters }),
            };
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(letters)
    }
}
