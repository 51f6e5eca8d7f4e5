//! The schema: applying migrations, and refusing to run against any other version.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::migrate::Migrator;

use super::error::StoreError;
use super::pool::Control;

/// All migrations of this version, compiled in.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The database's schema is not this program's.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// No migration was applied, or some are missing.
    #[error("the database is {behind} migrations behind this program; run `cafe24-sync db migrate`")]
    Older {
        /// How many are missing.
        behind: usize,
    },
    /// The database has migrations that this program does not know.
    #[error("the database was migrated by a newer version (migration {version}); upgrade this program")]
    Newer {
        /// The newest unknown migration.
        version: i64,
    },
    /// A migration was changed after it was applied, or failed half-way.
    #[error(
        "migration {version} of the database is not the one this program knows; restore the released file"
    )]
    Changed {
        /// The migration.
        version: i64,
    },
    /// A migration failed; it was rolled back.
    #[error("a migration failed and was rolled back")]
    Failed(#[source] sqlx::migrate::MigrateError),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Control {
    /// Applies what is missing, under sqlx's advisory lock, each migration in a transaction. Returns how many were applied.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] and [`SchemaError::Changed`] before anything is applied; [`SchemaError::Failed`] names the
    /// migration that was rolled back, those before it stay.
    pub async fn migrate(&self) -> Result<usize, SchemaError> {
        let behind = match self.check_schema().await {
            Ok(()) => return Ok(0),
            Err(SchemaError::Older { behind }) => behind,
            Err(other) => return Err(other),
        };
        match MIGRATIONS.run(&self.pool).await {
            Ok(()) => Ok(behind),
            Err(sqlx::migrate::MigrateError::Execute(error)) => Err(StoreError::from(error).into()),
            Err(error) => Err(SchemaError::Failed(error)),
        }
    }

    /// Succeeds if the database has exactly this program's migrations; [`deployment`](Self::deployment) is known then.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let known: BTreeMap<i64, Cow<'_, [u8]>> =
            MIGRATIONS.iter().map(|m| (m.version, m.checksum.clone())).collect();
        self.follow().await?;
        let exists: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
            .fetch_one(&self.pool)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(StoreError::from)?;
        if !exists {
            return Err(SchemaError::Older { behind: known.len() });
        }
        let applied = sqlx::query("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::from)?;
        let mut matched = 0;
        for row in &applied {
            let version: i64 = row.try_get("version").map_err(StoreError::from)?;
            let checksum: Vec<u8> = row.try_get("checksum").map_err(StoreError::from)?;
            let success: bool = row.try_get("success").map_err(StoreError::from)?;
            match known.get(&version) {
                None => return Err(SchemaError::Newer { version }),
                Some(expected) if !success || expected.as_ref() != checksum => {
                    return Err(SchemaError::Changed { version });
                }
                Some(_) => matched += 1,
            }
        }
        if matched < known.len() {
            return Err(SchemaError::Older { behind: known.len() - matched });
        }
        self.learn_deployment().await?;
        Ok(())
    }

    /// How many migrations this program knows.
    pub fn migrations() -> usize {
        MIGRATIONS.iter().count()
    }
}
