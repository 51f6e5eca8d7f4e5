//! The daemon: what has to happen without a person. Several may run; one leads, the others stand by.

use common::config::Config;
use common::store::{Control, SchemaError, StoreError};
use tokio_util::sync::CancellationToken;

use crate::feed::{FeedError, Feeder};

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database is not this version's.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The URL of Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting that the feeder cannot use.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Runs until `shutdown`. A neighbour that is away is waited for.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), ServeError> {
    let size = u32::try_from(config.postgres.pool).unwrap_or(u32::MAX);
    let control = Control::new(config.postgres.url.expose(), size)?;
    control.check_schema().await?;
    tracing::info!(event = "serve.started", profile = %config.profile, "the daemon runs");
    Feeder::new(config, control.clone()).run(shutdown).await?;
    control.close().await;
    tracing::info!(event = "serve.stopped", "the daemon stopped");
    Ok(())
}
