//! What a mall's data may be used for: approvals, each with the paper that says so.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Row};

use super::audit::{AuditEntry, record};
use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::{MallId, Purpose};

/// One approval of a mall, given to the agency that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// What for.
    pub purpose: String,
    /// Where it is written down.
    pub reference: Option<String>,
    /// The day it was given.
    pub approved_on: Option<NaiveDate>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// What replaces a mall's approvals.
#[derive(Debug, Clone)]
pub struct NewApprovals {
    /// The mall.
    pub mall: MallId,
    /// All purposes that are approved from now on; none takes all away.
    pub purposes: Vec<Purpose>,
    /// Where the new ones are written down; a purpose that stays keeps its own if this is `None`.
    pub reference: Option<String>,
    /// The day on which the new ones were given, likewise.
    pub approved_on: Option<NaiveDate>,
}

impl Control {
    /// The approvals that count, of these malls; a mall without any is absent.
    pub async fn approvals(&self, malls: &[MallId]) -> Result<BTreeMap<String, Vec<Approval>>, StoreError> {
        let ids: Vec<&str> = malls.iter().map(MallId::as_str).collect();
        let rows = sqlx::query(
            "SELECT mall_id, purpose, reference, approved_on, recorded_by, recorded_at \
             FROM approvals JOIN connectors USING (mall_id, agency_id) WHERE mall_id = ANY ($1) ORDER BY mall_id, purpose",
        )
        .bind(&ids)
        .fetch_all(&self.pool)
        .await?;
        let mut approvals: BTreeMap<String, Vec<Approval>> = BTreeMap::new();
        for row in &rows {
            approvals.entry(row.try_get("mall_id")?).or_default().push(Approval {
                purpose: row.try_get("purpose")?,
                reference: row.try_get("reference")?,
                approved_on: row.try_get("approved_on")?,
                recorded_by: row.try_get("recorded_by")?,
                recorded_at: row.try_get("recorded_at")?,
            });
        }
        Ok(approvals)
    }

    /// Replaces the approvals of these malls, all or none, each with its entry in the audit log. A mall that is not
    /// connected is passed over. Returns how many were changed.
    pub async fn set_approvals(&self, malls: &[NewApprovals], actor: &str) -> Result<usize, StoreError> {
        let mut tx = self.pool.begin().await?;
        let mut changed = 0;
        // In one order, so that two calls cannot deadlock.
        let mut malls: Vec<_> = malls.iter().collect();
        malls.sort_by(|a, b| a.mall.cmp(&b.mall));
        for new in malls {
            changed += usize::from(replace(&mut tx, new, actor).await?);
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// From which KST day on readers see a mall that came from another agency; `None`: all days.
    pub async fn shown_from(&self, mall: &MallId) -> Result<Option<NaiveDate>, StoreError> {
        let day: Option<Option<NaiveDate>> =
            sqlx::query_scalar("SELECT shown_from FROM mall_agencies WHERE mall_id = $1")
                .bind(mall.as_str())
                .fetch_optional(&self.pool)
                .await?;
        Ok(day.flatten())
    }

    /// Lets readers see a mall from that KST day on. `false`: no such mall.
    pub async fn set_shown_from(
        &self,
        mall: &MallId,
        day: NaiveDate,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query("UPDATE mall_agencies SET shown_from = $2 WHERE mall_id = $1")
            .bind(mall.as_str())
            .bind(day)
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "malls.purposes.shown-from",
            mall: Some(mall),
            target: mall.as_str(),
            plan: None,
            details: serde_json::json!({ "shown_from": day }),
        };
        super::audit::commit_if_changed(tx, &done, &entry).await
    }
}

/// Replaces one mall's approvals, with the entry in the audit log. `false`: they are so already.
pub(super) async fn replace(
    tx: &mut PgConnection,
    new: &NewApprovals,
    actor: &str,
) -> Result<bool, StoreError> {
    let purposes: Vec<&str> = new.purposes.iter().map(Purpose::as_str).collect();
    let row = sqlx::query(include_str!("sql/set_approvals.sql"))
        .bind(new.mall.as_str())
        .bind(&purposes)
        .bind(&new.reference)
        .bind(new.approved_on)
        .bind(actor)
        .fetch_one(&mut *tx)
        .await?;
    let (ended, written): (i64, i64) = (row.try_get("ended")?, row.try_get("written")?);
    if ended + written == 0 {
        return Ok(false);
    }
    let entry = AuditEntry {
        actor,
        action: "malls.purposes",
        mall: Some(&new.mall),
        target: new.mall.as_str(),
        plan: None,
        details: serde_json::json!({
            "purposes": purposes,
            "reference": new.reference,
            "approved_on": new.approved_on,
        }),
    };
    record(tx, &entry).await?;
    Ok(true)
}
