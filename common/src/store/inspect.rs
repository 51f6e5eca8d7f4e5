//! What Postgres looks like, for `doctor`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Row;

use super::audit::{AuditEntry, record};
use super::error::StoreError;
use super::pool::Control;
use super::rights::{Right, Role, guarded_tables, missing_rights, wanted_rights};
use crate::domain::ids::MallId;

/// How far [`Control::raise_fences`] goes above what it finds: more fetches than a fleet of workers makes in years, and
/// a thousandth of the room there is.
const FENCES_ABOVE: i64 = 1_000_000_000;

/// The server and our session on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// As the server writes it, `15.6`.
    pub version: String,
    /// As a number, `150006`.
    pub version_num: i32,
    /// Sessions it takes.
    pub max_connections: i32,
    /// Sessions it has.
    pub connections: i32,
    /// A standby, or set read-only.
    pub read_only: bool,
    /// Who we are there.
    pub role: String,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// The day in Korea, by its time zone tables.
    pub kst_day: NaiveDate,
}

/// Rights that the role lacks on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRight {
    /// A schema, table, view or sequence.
    pub object: String,
    /// `INSERT, UPDATE`.
    pub rights: String,
}

/// A token pair at rest.
#[derive(Debug, Clone)]
pub struct SealedPair {
    /// Whose.
    pub mall_id: MallId,
    /// Its agency, to which it is sealed as well.
    pub agency_id: String,
    /// As `oauth` made it.
    pub sealed: serde_json::Value,
}

/// The numbers that order fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FenceFacts {
    /// The next fetch's number is above this one.
    pub given: i64,
    /// The highest that is stored.
    pub stored: i64,
}

impl Control {
    /// Asks the server for itself.
    pub async fn server_facts(&self) -> Result<ServerFacts, StoreError> {
        let row = sqlx::query(include_str!("sql/inspect_server.sql")).fetch_one(&self.pool).await?;
        Ok(ServerFacts {
            version: row.try_get("version")?,
            version_num: row.try_get("version_num")?,
            max_connections: row.try_get("max_connections")?,
            connections: row.try_get("connections")?,
            read_only: row.try_get("read_only")?,
            role: row.try_get("role")?,
            now: row.try_get("now")?,
            kst_day: row.try_get("kst_day")?,
        })
    }

    /// What our role lacks of what command line and daemon need, by object.
    pub async fn missing_rights(&self) -> Result<Vec<MissingRight>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let role: String =
            sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut *connection).await?;
        let wanted: Vec<Right> = wanted_rights()
            .into_iter()
            // Set by `doctor --after-restore` only, and that tells.
            .filter(|right| {
                right.role == Role::Producer && (right.kind, &*right.privilege) != ("sequence", "UPDATE")
            })
            .collect();
        let mut lacking: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for right in missing_rights(&mut connection, &wanted, Some(&role)).await? {
            lacking.entry(right.object).or_default().push(right.privilege);
        }
        let tables: Vec<&str> = guarded_tables().collect();
        let unguided: Vec<String> = sqlx::query_scalar(include_str!("sql/unguided_tables.sql"))
            .bind(&tables)
            .fetch_all(&mut *connection)
            .await?;
        for table in unguided {
            lacking.entry(table).or_default().push("a rule of row-level security".to_owned());
        }
        Ok(lacking
            .into_iter()
            .map(|(object, rights)| MissingRight { object, rights: rights.join(", ") })
            .collect())
    }

    /// Whether the numbers of fetches still rise.
    pub async fn fence_facts(&self) -> Result<FenceFacts, StoreError> {
        let row = sqlx::query(include_str!("sql/inspect_fences.sql")).fetch_one(&self.pool).await?;
        Ok(FenceFacts { given: row.try_get("given")?, stored: row.try_get("stored")? })
    }

    /// Raises the numbers of fetches above all that may ever have been given, after a copy of the data was put back.
    pub async fn raise_fences(&self, actor: &str) -> Result<i64, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row =
            sqlx::query(include_str!("sql/raise_fences.sql")).bind(FENCES_ABOVE).fetch_one(&mut *tx).await?;
        let raised: i64 = row.try_get(0)?;
        let entry = AuditEntry {
            actor,
            action: "doctor.after-restore",
            mall: None,
            target: "fences",
            plan: None,
            details: serde_json::json!({ "raised_to": raised }),
        };
        record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(raised)
    }

    /// Every stored token pair as it lies there, by mall id. Not one of them is opened here.
    pub async fn sealed_pairs(&self) -> Result<Vec<SealedPair>, StoreError> {
        let rows = sqlx::query(
            "SELECT mall_id, agency_id, config_json -> 'oauth_tokens' AS sealed FROM connectors \
             WHERE config_json -> 'oauth_tokens' IS NOT NULL ORDER BY mall_id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SealedPair {
                    mall_id: MallId::try_from(row.try_get::<String, _>("mall_id")?)
                        .map_err(StoreError::foreign)?,
                    agency_id: row.try_get("agency_id")?,
                    sealed: row.try_get("sealed")?,
                })
            })
            .collect()
    }
}
