//! The kept state of what is there (`series_days`), brought up to date. Readers need none of this to be right: what has not
//! been folded yet they read from slices (view `series_states`, `docs/adr/0022`).

use super::error::StoreError;
use super::pool::Control;

impl Control {
    /// Folds at most `at_most` changed series (`sql/fold_series.sql`); how many it were. Fewer: no more are left, or somebody
    /// else folds at this moment.
    pub async fn fold_series(&self, at_most: i64) -> Result<i64, StoreError> {
        let mut tx = self.pool.begin().await?;
        // Whatever the server's default is: the fold's snapshot must be taken after the lock.
        sqlx::query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").execute(&mut *tx).await?;
        let alone: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('cafe24-sync'), hashtext('fold'))")
                .fetch_one(&mut *tx)
                .await?;
        if !alone {
            return Ok(0);
        }
        let folded =
            sqlx::query_scalar(include_str!("sql/fold_series.sql")).bind(at_most).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(folded)
    }
}
