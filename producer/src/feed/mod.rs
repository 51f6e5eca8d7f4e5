//! The feeder: keeps a small window of jobs a limiter key in the broker, and heals what was lost there.
//!
//! Postgres holds the backlog, RabbitMQ only what can run in the next few seconds. The feeder moves jobs from one to the
//! other: when a worker's commit makes room (NOTIFY), when a plan adds jobs (NOTIFY), and at each sweep for those whose
//! time has come. It keeps no state that it could lose: how much room a key has is counted in the ledger at each pass,
//! and how much the key can serve is read from its bucket. So a feeder that dies is replaced by its standby at once, and
//! the worst that happens is a message published twice, whose effect happens once.
//!
//! One process leads ([`crate::duty`]), because two feeders would fill every window twice.
//!
//! - [`window`]: how many jobs of a key may be out
//! - `due`: which keys are looked at next
//! - `budget`: how much of it retries may take
//! - `settings`: which lanes are sent now, and which keys leave a share of their bucket to others
//! - `pass`: read windows → choose jobs → publish with confirms → mark queued
//! - `reconcile`: jobs without a sign of life are planned again

mod budget;
mod due;
mod error;
mod pass;
mod reconcile;
mod settings;
pub mod window;

pub(crate) use due::Due;
pub use error::FeedError;
pub use pass::FeedReport;
pub(crate) use pass::{Courier, Feed, any_limiter, broker, courier, limiter};
pub(crate) use reconcile::Reconciler;

use common::config::Config;
use common::store::{Control, Reconciled};

use crate::lock::{LOCK, instance};

/// Feeds every key once, unless another process leads.
pub async fn feed_once(config: &Config, control: &Control) -> Result<FeedReport, FeedError> {
    let Some(leadership) = control.try_lead(LOCK, &instance()).await? else {
        return Ok(FeedReport { leader_elsewhere: true, ..FeedReport::default() });
    };
    let mut feed = Feed::new(config, control)?;
    let keys = feed.keys_with_work().await?;
    let report = feed.pass(keys).await;
    leadership.release().await?;
    report
}

/// Plans again, once, what the broker or a worker lost. Works beside a leader: its statements lock what they touch.
pub async fn reconcile_once(config: &Config, control: &Control) -> Result<Reconciled, FeedError> {
    Reconciler::new(config, control, courier(config, control)?)?.run_once().await
}
