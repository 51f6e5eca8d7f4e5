//! Endpoints that are not called for now, and pauses that end by themselves.
//!
//! A pause is a row (`endpoint_pauses`); the SQL function `waits_for` reads it wherever it is decided whether a job may
//! be sent. Workers write one when an endpoint breaks for everybody ([`Ledger::report_breakage`]), people by hand. One
//! that the API caused ends by a probe: a few jobs run, and the first good answer ends it ([`Control::probe_pause`]).

mod keep;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::audit::{self, AuditEntry};
use super::claim::ClaimedJob;
use super::error::StoreError;
use super::pool::{Control, Ledger};
use crate::domain::endpoint::Endpoint;
use crate::domain::failure::{Breakage, BreakerLimits};
use crate::domain::ids::MallId;

/// Jobs that probe a paused endpoint, one a mall: one mall may have trouble of its own.
const PROBES: i64 = 3;

/// Why an endpoint is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// A person asked for it.
    Operator,
    /// Answers of several malls do not fit the contract.
    ContractViolation,
    /// HTTP 404 on the path.
    NotFound,
}

impl PauseCause {
    const ALL: [Self; 3] = [Self::Operator, Self::ContractViolation, Self::NotFound];

    /// The value of the column `cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::ContractViolation => "contract_violation",
            Self::NotFound => "not_found",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or_else(|| StoreError::foreign(format_args!("cause of a pause {text}")))
    }
}

/// An endpoint that is not called.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointPause {
    /// Names the pause.
    pub pause_id: i64,
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// Of which mall; `None`: of all.
    pub mall_id: Option<MallId>,
    /// Of malls that speak so; `None`: whatever they speak.
    pub dialect: Option<String>,
    /// Why.
    pub cause: PauseCause,
    /// Why, in words.
    pub reason: String,
    /// Who paused it.
    pub paused_by: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
    /// When it was last probed, if a probe is under way or failed.
    pub probed_at: Option<DateTime<Utc>>,
    /// Jobs that are to show that the API is well again.
    pub probes: i64,
    /// Jobs that wait for it.
    pub parked: i64,
}

/// A pause to make.
#[derive(Debug, Clone)]
pub struct NewPause<'a> {
    /// Which endpoint; `None`: the whole mall.
    pub endpoint: Option<Endpoint>,
    /// Of which mall; `None`: of all.
    pub mall: Option<&'a MallId>,
    /// Why.
    pub reason: &'a str,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
    /// Who pauses.
    pub actor: &'a str,
}

impl Ledger {
    /// A job failed for good because the endpoint is not what it was: pauses it for all malls if that is not this
    /// mall's trouble alone. `Some`: this call paused it, for the reason given.
    pub async fn report_breakage(
        &self,
        claimed: &ClaimedJob,
        breakage: Breakage,
        limits: BreakerLimits,
    ) -> Result<Option<String>, StoreError> {
        let client = self.pool.get().await?;
        let (endpoint, dialect) = (claimed.job.endpoint.as_str(), claimed.dialect.as_str());
        let row = match breakage {
            Breakage::Contract => {
                let statement = client.prepare_cached(include_str!("sql/trip_breaker.sql")).await?;
                let window = limits.window.as_secs_f64();
                client
                    .query_opt(&statement, &[&endpoint, &dialect, &window, &limits.violations, &limits.malls])
                    .await?
            }
            Breakage::NotFound => {
                let statement = client.prepare_cached(include_str!("sql/pause_not_found.sql")).await?;
                let reason = format!("HTTP 404 on its path, seen with mall {}", claimed.job.mall_id);
                client.query_opt(&statement, &[&endpoint, &dialect, &reason, &claimed.job.id]).await?
            }
        };
        row.map(|row| row.try_get(0).map_err(StoreError::from)).transpose()
    }

    /// A probe of a paused endpoint ended. `true`: its good answer ended the pause.
    pub async fn probe_ended(&self, job_id: Uuid, good: bool) -> Result<bool, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("sql/probe_ended.sql")).await?;
        Ok(client.query_opt(&statement, &[&job_id, &good]).await?.is_some())
    }
}

impl Control {
    /// Pauses a mall, an endpoint of a mall, or an endpoint of all malls. `false`: it is paused already (or there is no
    /// such mall), and nothing was changed but the reason and the end of a mall's own pause.
    pub async fn pause(&self, new: &NewPause<'_>) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = match new.endpoint {
            None => {
                sqlx::query(
                    "UPDATE connectors SET state = 'paused', state_reason = $2, paused_until = $3, \
                     state_since = CASE WHEN state = 'paused' THEN state_since ELSE now() END, updated_at = now() \
                     WHERE mall_id = $1",
                )
                .bind(new.mall.map(MallId::as_str))
                .bind(new.reason)
                .bind(new.until)
                .execute(&mut *tx)
                .await?
            }
            Some(endpoint) => {
                sqlx::query(
                    "INSERT INTO endpoint_pauses (endpoint, mall_id, cause, reason, paused_by, until) \
                     VALUES ($1, $2, 'operator', $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(endpoint.as_str())
                .bind(new.mall.map(MallId::as_str))
                .bind(new.reason)
                .bind(new.actor)
                .bind(new.until)
                .execute(&mut *tx)
                .await?
            }
        };
        let target = match (new.endpoint, new.mall) {
            (Some(endpoint), _) => endpoint.as_str(),
            (None, Some(mall)) => mall.as_str(),
            (None, None) => "",
        };
        let entry = AuditEntry {
            actor: new.actor,
            action: action(new.mall.is_some(), "malls.pause", "endpoints.pause"),
            mall: new.mall,
            target,
            plan: None,
            details: json!({ "reason": new.reason, "until": new.until }),
        };
        audit::commit_if_changed(tx, &done, &entry).await
    }

    /// Sends again for a mall that a person paused, or whose app is approved now. `false`: it is in another state.
    pub async fn resume_mall(&self, mall: &MallId, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(
            "UPDATE connectors SET state = 'active', state_reason = NULL, state_since = now(), paused_until = NULL, \
             updated_at = now() WHERE mall_id = $1 AND state IN ('paused', 'forbidden')",
        )
        .bind(mall.as_str())
        .execute(&mut *tx)
        .await?;
        let entry = AuditEntry {
            actor,
            action: "malls.resume",
            mall: Some(mall),
            target: mall.as_str(),
            plan: None,
            details: json!({}),
        };
        audit::commit_if_changed(tx, &done, &entry).await
    }

    /// Ends a pause of an endpoint at once; its jobs are released. `false`: it had ended already.
    pub async fn end_pause(&self, pause: &EndpointPause, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(
            "UPDATE endpoint_pauses SET ended_at = now(), ended_by = $2, probes = '{}' \
             WHERE pause_id = $1 AND ended_at IS NULL",
        )
        .bind(pause.pause_id)
        .bind(actor)
        .execute(&mut *tx)
        .await?;
        let entry = AuditEntry {
            actor,
            action: action(pause.mall_id.is_some(), "malls.resume", "endpoints.resume"),
            mall: pause.mall_id.as_ref(),
            target: pause.endpoint.as_str(),
            plan: None,
            details: json!({ "cause": pause.cause }),
        };
        audit::commit_if_changed(tx, &done, &entry).await
    }

    /// Lets a few of a pause's jobs run, to see whether the API is well again (`sql/probe_pause.sql`). 0: no job can.
    pub async fn probe_pause(&self, pause: &EndpointPause, actor: &str) -> Result<i64, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(include_str!("sql/probe_pause.sql"))
            .bind(pause.pause_id)
            .bind(PROBES)
            .fetch_optional(&mut *tx)
            .await?;
        let probes = row.map_or(Ok(0), |row| row.try_get::<i32, _>("probes"))?;
        if probes == 0 {
            return Ok(0);
        }
        let entry = AuditEntry {
            actor,
            action: "endpoints.probe",
            mall: None,
            target: pause.endpoint.as_str(),
            plan: None,
            details: json!({ "probes": probes }),
        };
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(i64::from(probes))
    }

    /// The pauses that hold now, oldest first: those of `mall` and of all malls, or every one.
    pub async fn endpoint_pauses(&self, mall: Option<&MallId>) -> Result<Vec<EndpointPause>, StoreError> {
        let rows = sqlx::query(include_str!("sql/endpoint_pauses.sql"))
            .bind(mall.map(MallId::as_str))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(pause).collect()
    }
}

fn action(of_a_mall: bool, mall: &'static str, all: &'static str) -> &'static str {
    if of_a_mall { mall } else { all }
}

fn pause(row: &PgRow) -> Result<EndpointPause, StoreError> {
    let mall: Option<String> = row.try_get("mall_id")?;
    Ok(EndpointPause {
        pause_id: row.try_get("pause_id")?,
        endpoint: row.try_get::<String, _>("endpoint")?.parse().map_err(StoreError::foreign)?,
        mall_id: mall.map(MallId::try_from).transpose().map_err(StoreError::foreign)?,
        dialect: row.try_get("dialect")?,
        cause: PauseCause::parse(row.try_get("cause")?)?,
        reason: row.try_get("reason")?,
        paused_by: row.try_get("paused_by")?,
        since: row.try_get("since")?,
        until: row.try_get("until")?,
        probed_at: row.try_get("probed_at")?,
        probes: row.try_get("probes")?,
        parked: row.try_get("parked")?,
    })
}
