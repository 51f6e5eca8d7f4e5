//! Attempts whose settling ended with the program that did it.

use std::time::Duration;

use serde_json::json;

use super::{COLUMNS, read};
use crate::domain::consent::ConsentOutcome;
use crate::domain::ids::MallId;
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// Attempts ended in one call.
const AT_ONCE: i64 = 100;

impl Control {
    /// Ends the attempts that were answered longer than `age` ago and that nobody has ended: what they brought is lost.
    /// Returns their malls.
    pub async fn end_lost_consents(&self, age: Duration, actor: &str) -> Result<Vec<MallId>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM consents WHERE outcome IS NULL AND used_at < now() - make_interval(secs => $1) \
              ORDER BY used_at LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(age.as_secs_f64())
            .bind(AT_ONCE)
            .fetch_all(&self.pool)
            .await?;
        let detail = json!({ "error": "the program that settled the answer ended meanwhile" });
        let mut malls = Vec::new();
        for row in &rows {
            let consent = read(row)?;
            self.end_consent(&consent, actor, ConsentOutcome::NotStored, &detail).await?;
            malls.push(consent.mall_id);
        }
        Ok(malls)
    }
}
