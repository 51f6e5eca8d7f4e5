//! What `--fix` does: it declares what is missing in RabbitMQ, and replaces a queue that has lost its leader.
//!
//! Such a queue answers nobody any more (`docs/reliability.md` B3), so nothing in it could be saved. Nothing need be: the ledger
//! knows every job that was in it, and the reconciler publishes them again when their deadline has passed.

use std::fmt::Write;

use common::broker::BrokerError;
use common::store::{AuditEntry, StoreError};
use serde_json::json;

use super::Doctor;
use super::finding::{Finding, Repair};
use crate::feed::FeedError;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    recreate: Vec<String>,
}

/// Why it was not done, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// RabbitMQ.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Postgres, without which nothing is deleted, since it publishes again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration names no usable broker.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl Plan {
    /// What the findings call for; none if nothing can be repaired.
    pub fn of(findings: &[Finding]) -> Option<Self> {
        let repairs: Vec<&Repair> = findings.iter().filter_map(|finding| finding.repair.as_ref()).collect();
        let recreate = repairs.iter().filter_map(|repair| match repair {
            Repair::Recreate(queue) => Some(queue.clone()),
            Repair::Declare => None,
        });
        (!repairs.is_empty()).then(|| Self { recreate: recreate.collect() })
    }

    /// Whether something is deleted.
    pub fn deletes(&self) -> bool {
        !self.recreate.is_empty()
    }

    /// For people, before they are asked.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for queue in &self.recreate {
            let _ = writeln!(
                out,
                "  delete  {queue}, and declare it again; the ledger publishes again what was in it"
            );
        }
        out.push_str("  declare every exchange, queue and binding that is missing\n");
        out
    }

    /// Does it, in the name of `actor`.
    pub async fn carry_out(&self, doctor: &Doctor, actor: &str) -> Result<(), RepairError> {
        doctor.control.ping().await?;
        crate::feed::broker(&doctor.config, &doctor.control)?.repair(&self.recreate).await?;
        let entry = AuditEntry {
            actor,
            action: "doctor.fix",
            mall: None,
            target: "rabbitmq",
            plan: None,
            details: json!({ "recreated": self.recreate }),
        };
        doctor.control.audit(&entry).await?;
        Ok(())
    }
}
