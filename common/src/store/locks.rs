//! Who stands in the way (`docs/reliability.md` P7): a migration by hand, an analyst's forgotten transaction.

use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::pool::Ledger;

/// A session that holds tables of ours against everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Its backend, for `pg_terminate_backend`.
    pub pid: i32,
    /// Its user.
    pub role: String,
    /// How it calls itself.
    pub program: String,
    /// When its transaction began, if we may know.
    pub since: Option<DateTime<Utc>>,
    /// The tables.
    pub tables: String,
}

impl Ledger {
    /// Who holds a strong lock on a table of ours now, the longest first.
    pub async fn lock_holders(&self) -> Result<Vec<LockHolder>, StoreError> {
        let client = self.pool.get().await?;
        let rows = client.query(include_str!("sql/lock_holders.sql"), &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(LockHolder {
                    pid: row.try_get("pid")?,
                    role: row.try_get::<_, Option<String>>("role")?.unwrap_or_default(),
                    program: row.try_get("program")?,
                    since: row.try_get("since")?,
                    tables: row.try_get("tables")?,
                })
            })
            .collect()
    }
}
