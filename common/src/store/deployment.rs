//! Which installation the database belongs to (`docs/reliability.md` H1, `docs/adr/0013`).

use sqlx::Row;
use uuid::Uuid;

use super::audit::{AuditEntry, record};
use super::error::StoreError;
use super::pool::Control;

impl Control {
    /// The id of this installation; known once the schema was checked.
    pub fn deployment(&self) -> Option<Uuid> {
        self.deployment.get().copied()
    }

    pub(super) async fn learn_deployment(&self) -> Result<(), StoreError> {
        if self.deployment.get().is_none() {
            let row = sqlx::query("SELECT deployment_id FROM deployment").fetch_one(&self.pool).await?;
            let id: Uuid = row.try_get(0)?;
            // Somebody else may have been faster, and read the same.
            let _ = self.deployment.set(id);
        }
        Ok(())
    }

    /// Writes down that Redis and RabbitMQ are about to be taken over; with `new_id` this installation is another one
    /// from now on, as a copy of a database should be. Returns its id.
    pub async fn adopt(&self, new_id: Option<Uuid>, entry: &AuditEntry<'_>) -> Result<Uuid, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(
            "UPDATE deployment SET deployment_id = coalesce($1, deployment_id), \
             named_at = CASE WHEN $1 IS NULL THEN named_at ELSE now() END RETURNING deployment_id",
        )
        .bind(new_id)
        .fetch_one(&mut *tx)
        .await?;
        record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(row.try_get(0)?)
    }
}
