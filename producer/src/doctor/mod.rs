//! `doctor`: looks at everything the programs stand on, and says of each fault what to do.
//!
//! One check a file. Each answers with findings ([`Finding`]) and never fails: what cannot be asked is a finding, too.
//! All run side by side, each within [`LIMIT`], so that a server that hangs does not hang the doctor; their findings keep
//! the order of the list. Looking changes nothing, but for three messages that expire and one token of one mall's bucket
//! (none with `--offline`); [`repair`] is what changes something, and is asked for apart.

mod clock;

mod crew;

mod exposure;

mod finding;

mod keys;

mod malls;

mod oauth;

mod postgres;

mod probe;

mod rabbitmq;

mod redis;

pub mod repair;

pub mod screen;

mod settings;

#[cfg(test)]
mod tests;

use std::time::Duration;

use common::config::Config;
use common::domain::ids::MallId;
use common::store::{Control, StoreError};
use futures::future::{BoxFuture, join_all};
use tokio::time::timeout;

pub use self::finding::{Finding, Level, Repair};

/// No check takes longer.
pub const LIMIT: Duration = Duration::from_secs(10);

/// What is looked at.
#[derive(Debug)]
pub struct Doctor {
    /// The settings in force.
    pub config: Config,
    /// Postgres, whatever its schema.
    pub control: Control,
    /// Send nothing to Cafe24.
    pub offline: bool,
    /// The mall to try; none: any that sends.
    pub mall: Option<MallId>,
}

/// How long the database is waited for before anything is looked at.
const KNOWING: Duration = Duration::from_secs(5);

type Check<'a> = (&'static str, BoxFuture<'a, Vec<Finding>>);

impl Doctor {
    /// All findings, in order.
    pub async fn examine(&self) -> Vec<Finding> {
        // So that it is known whose the neighbours have to be; what is wrong with the schema its own check says.
        let _ = timeout(KNOWING, self.control.check_schema()).await;
        let checks: Vec<Check<'_>> = vec![
            (settings::NAME, Box::pin(async { settings::check(&self.config) })),
            (clock::NAME, Box::pin(clock::check(self))),
            (postgres::NAME, Box::pin(postgres::check(self))),
            (rabbitmq::NAME, Box::pin(rabbitmq::check(self))),
            (self::redis::NAME, Box::pin(self::redis::check(self))),
            (oauth::NAME, Box::pin(async { oauth::check(&self.config) })),
            (crew::NAME, Box::pin(crew::check(self))),
            (keys::NAME, Box::pin(keys::check(self))),
            (malls::NAME, Box::pin(malls::check(self))),
            (probe::NAME, Box::pin(probe::check(self))),
            (exposure::NAME, Box::pin(async { exposure::check(&self.config) })),
        ];
        side_by_side(checks).await
    }

    /// Whether the three servers answer, and nothing else.
    pub async fn reach(&self) -> Vec<Finding> {
        side_by_side(vec![
            (postgres::NAME, Box::pin(postgres::reach(self))),
            (rabbitmq::NAME, Box::pin(rabbitmq::reach(self))),
            (self::redis::NAME, Box::pin(self::redis::reach(self))),
        ])
        .await
    }

    /// The findings about RabbitMQ alone, after a repair.
    pub async fn look_again(&self) -> Vec<Finding> {
        side_by_side(vec![(rabbitmq::NAME, Box::pin(rabbitmq::check(self)))]).await
    }
}

async fn side_by_side(checks: Vec<Check<'_>>) -> Vec<Finding> {
    within(LIMIT, checks).await
}

async fn within(limit: Duration, checks: Vec<Check<'_>>) -> Vec<Finding> {
    let bounded = checks.into_iter().map(|(name, check)| async move {
        timeout(limit, check).await.unwrap_or_else(|_| {
            let what = format!("nothing answered within {} s", limit.as_secs());
            vec![Finding::problem(name, what, "look at the servers and at the network between")]
        })
    });
    join_all(bounded).await.into_iter().flatten().collect()
}

/// A check that needs Postgres did not get its answer: the check of Postgres itself says why.
fn without_postgres(check: &'static str, error: &StoreError) -> Finding {
    let why = match error {
        StoreError::Unavailable { .. } | StoreError::Conflict(_) => "Postgres does not answer",
        StoreError::Data(_) | StoreError::Refused(_) | StoreError::Foreign(_) => {
            "the schema or the rights in Postgres are not ours"
        }
    };
    Finding::note(check, format!("not looked at: {why}"))
}
