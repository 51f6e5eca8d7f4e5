//! The feeder: keeps a small window of jobs a limiter key in the broker, and heals what was lost there.
//!
//! Postgres holds the backlog, RabbitMQ only what can run in the next few seconds. The feeder moves jobs from one to the
//! other: when a worker's commit makes room (NOTIFY), when a plan adds jobs (NOTIFY), and at each sweep for those whose
//! time has come. It keeps no state that it could lose: how much room a key has is counted in the ledger at each pass,
//! and how much the key can serve is read from its bucket. So a feeder that dies is replaced by its standby at once, and
//! the worst that happens is a message published twice, whose effect happens once.
//!
//! One process leads (advisory lock), because two feeders would fill every window twice.
//!
//! - [`window`]: how many jobs of a key may be out
//! - `budget`: how much of it retries may take
//! - `pass`: read windows → choose jobs → publish with confirms → mark queued
//! - `leader`: the leader's duties, and how they are taken over
//! - `pauses`: jobs follow pauses, and pauses end in time
//! - `reconcile`: jobs without a sign of life are planned again

mod budget;
mod error;
mod leader;
mod pass;
mod pauses;
mod reconcile;
pub mod window;

pub use error::FeedError;
pub use leader::Feeder;
pub use pass::FeedReport;
pub(crate) use pass::{any_limiter, broker};

use common::config::Config;
use common::store::{Control, Reconciled};

use pass::Feed;

/// The duty that one process has: feeding, reconciling, archiving.
const DUTY: &str = "producer";

/// Feeds every key once, unless another process leads.
pub async fn feed_once(config: &Config, control: &Control) -> Result<FeedReport, FeedError> {
    let Some(leadership) = control.try_lead(DUTY).await? else {
        return Ok(FeedReport { leader_elsewhere: true, ..FeedReport::default() });
    };
    let mut feed = Feed::new(config, control)?;
    let keys = control.keys_with_work().await?;
    let report = feed.pass(keys).await;
    leadership.release().await?;
    report
}

/// Plans again, once, what the broker or a worker lost. Works beside a leader: its statements lock what they touch.
pub async fn reconcile_once(config: &Config, control: &Control) -> Result<Reconciled, FeedError> {
    reconcile::Reconciler::new(config, control)?.run_once().await
}
