//! Starts the parts of the worker and stops them in order.
//!
//! Stopping: intake ends → runners hand back what has no token and finish what has one → the batch writes what came →
//! deliveries are settled → connections close. Whatever is not done within the grace time is let go: the broker
//! delivers it again, and the ledger knows how far it came.

use std::sync::Arc;
use std::time::Duration;

use common::api::{ApiClient, ApiConfig, BuildError};
use common::broker::{Broker, BrokerError, Topology};
use common::config::Config;
use common::deployment::{self, OtherDeployment};
use common::domain::backoff::Backoff;
use common::health::{BindError, Pages};
use common::limiter::{BucketConfig, LimiterError, RedisLimiter};
use common::oauth::{App, InvalidKey, OAuthClient, OAuthTimeouts, Sealer, Spool, TokenKeeper};
use common::store::{Control, Ledger, SchemaError, SealedTokenStore, StoreError};
use common::telemetry::{Recorder, events};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::flow::batch::{self, FINISHED_JOBS};
use crate::flow::claim;
use crate::runner::Runners;
use crate::shared::Shared;
use crate::{changes, health, heartbeat};

/// Why the worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is not this version's.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The URL of Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis or RabbitMQ is another installation's.
    #[error(transparent)]
    Deployment(#[from] OtherDeployment),
    /// The URL of RabbitMQ.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The URL of Redis, or the limits.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The API's settings.
    #[error(transparent)]
    Api(#[from] BuildError),
    /// The client of the token URL.
    #[error(transparent)]
    OAuth(#[from] common::oauth::BuildError),
    /// The key that seals tokens.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// No key that seals tokens.
    #[error("no master key: set [oauth] master_key_file (make one with `cafe24-sync init`)")]
    NoKey,
    /// The private port cannot be had.
    #[error(transparent)]
    Listen(#[from] BindError),
}

/// How long new tokens that are not stored yet are waited for at the end, before they go into the spool (`docs/reliability.md` O3).
const TOKENS_AT_MOST: Duration = Duration::from_secs(30);

/// How the worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything in hand was finished or handed back.
    Drained,
    /// The grace time ran out, or somebody was impatient; the broker delivers the rest again.
    Abandoned,
}

/// Runs until `stop` is cancelled, then drains. `hurry` cuts the draining short.
///
/// A neighbour that is away at the start is waited for, since the programs of a machine start in any order.
pub async fn run(
    config: Config,
    recorder: Recorder,
    stop: CancellationToken,
    hurry: CancellationToken,
) -> Result<End, StartError> {
    let control = Control::new(config.postgres.url.expose(), 2)?;
    tokio::select! {
        checked = schema(&control) => checked?,
        () = stop.cancelled() => return Ok(End::Drained),
    }
    let broker = broker(&config, &control)?;
    let config = fitted(config, common::process::open_files());
    let shared = Arc::new(shared(config, stop.clone())?);
    if let Some(id) = control.deployment() {
        deployment::claim(id, &broker, &shared.limiter).await?;
    }
    let pages = Pages::bind(shared.config.worker.listen, "worker.listen").await?;
    tracing::info!(event = "worker.started", worker = %shared.worker_id, listen = %pages.address(), slots = shared.config.worker.slots, "the worker runs");

    let fetches = TaskTracker::new();
    let (finished_tx, finished_rx) = mpsc::channel(FINISHED_JOBS);
    let runners = Arc::new(Runners::new(Arc::clone(&shared), finished_tx, fetches.clone()));
    let background = TaskTracker::new();
    let ended = CancellationToken::new();
    spawn_until(
        &background,
        &ended,
        heartbeat::beat(Arc::clone(&shared), Arc::clone(&runners), recorder.clone()),
    );
    let (listening, listens) = oneshot::channel();
    spawn_until(&background, &ended, changes::watch(control.clone(), Arc::clone(&shared), listening));
    spawn_until(&background, &ended, take_up_spool(Arc::clone(&shared)));
    spawn_until(&background, &ended, pages.serve(recorder, health::missing(Arc::clone(&shared))));
    let writer = TaskTracker::new();
    // The batch ends when the last sender of finished jobs is gone, so it must not hold one itself.
    let settler = Arc::clone(&runners);
    writer.spawn(batch::gather(Arc::clone(&shared), settler, finished_rx));
    let intake = TaskTracker::new();
    let claims = claim::intake(Arc::clone(&shared), broker, Arc::clone(&runners), fetches.clone());
    let stopping = stop.clone();
    intake.spawn(async move {
        tokio::select! {
            _ = listens => claims.await,
            () = stopping.cancelled() => {}
        }
    });

    stop.cancelled().await;
    tracing::info!(event = "worker.draining", "stopping: finishing what has a token, handing back the rest");
    let drained = async {
        close(&intake).await;
        close(&fetches).await;
        runners.no_more();
        close(&writer).await;
        for consumer in runners.consumers() {
            if let Err(error) = consumer.close().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the connection was closed already"
                );
            }
        }
    };
    let grace = shared.config.worker.drain;
    let end = async {
        tokio::select! {
            done = timeout(grace, drained) => if done.is_ok() { End::Drained } else { End::Abandoned },
            () = hurry.cancelled() => End::Abandoned,
        }
    };
    // A rotated pair that is not stored costs a consent: it is waited for, also by who is in a hurry. The last jobs may begin
    // another refresh meanwhile.
    let (end, ()) = tokio::join!(end, shared.tokens.settle(TOKENS_AT_MOST));
    shared.tokens.close().await;
    ended.cancel();
    close(&background).await;
    shared.ledger.close();
    control.close().await;
    tracing::info!(event = "worker.stopped", drained = end == End::Drained, "the worker stopped");
    Ok(end)
}

async fn close(tasks: &TaskTracker) {
    tasks.close();
    tasks.wait().await;
}

fn spawn_until(
    tasks: &TaskTracker,
    ended: &CancellationToken,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let ended = ended.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = task => {}
            () = ended.cancelled() => {}
        }
    });
}

async fn take_up_spool(shared: Arc<Shared>) {
    let mut failures = 0;
    while !shared.tokens.take_up_spool().await {
        sleep(Backoff::RECONNECT.random_wait(failures)).await;
        failures += 1;
    }
}

/// Waits for a database with our schema; another schema is final.
async fn schema(control: &Control) -> Result<(), SchemaError> {
    let mut failures = 0;
    loop {
        match control.check_schema().await {
            Err(SchemaError::Store(error @ StoreError::Unavailable { .. })) => {
                tracing::warn!(
                    event = "conn.lost",
                    error = &error as &dyn std::error::Error,
                    "Postgres is out of reach; trying again"
                );
                sleep(Backoff::RECONNECT.random_wait(failures)).await;
                failures += 1;
            }
            other => return other,
        }
    }
}

/// Files and sockets beside the slots' and the pool's: the three servers, the runtime, the log, the pages, and a few to spare.
const OTHER_FILES: u64 = 32;

/// With as many slots as there can be files: fetches that meet no file would only be put off, and the log full of them.
fn fitted(mut config: Config, open_files: Option<u64>) -> Config {
    let Some(limit) = open_files else { return config };
    let beside = OTHER_FILES + u64::try_from(config.postgres.pool).unwrap_or(u64::MAX);
    let slots = usize::try_from(limit.saturating_sub(beside)).unwrap_or(usize::MAX).max(1);
    if slots < config.worker.slots {
        tracing::warn!(
            event = events::FILES_FEW,
            limit,
            wanted = beside.saturating_add(u64::try_from(config.worker.slots).unwrap_or(u64::MAX)),
            slots,
            "this process may open {limit} files, too few for its {} slots: it works with {slots}; raise `ulimit -n`",
            config.worker.slots
        );
        config.worker.slots = slots;
    }
    config
}

fn broker(config: &Config, control: &Control) -> Result<Broker, BrokerError> {
    let mut topology = Topology::new(config.rabbitmq.prefix.clone());
    if let Some(id) = control.deployment() {
        topology = topology.bound_to(id);
    }
    Broker::new(config.rabbitmq.url.expose(), "cafe24-sync-worker", topology)
}

fn shared(config: Config, stopping: CancellationToken) -> Result<Shared, StartError> {
    let ledger = Ledger::new(config.postgres.url.expose(), config.postgres.pool)?;
    let limiter = RedisLimiter::connect(
        config.redis.url.expose(),
        &config.redis.prefix,
        BucketConfig::from(config.limits),
    )?;
    let api = ApiClient::new(ApiConfig::new(&config.cafe24, &config.worker))?;
    let tokens = tokens(&config, &ledger)?;
    Ok(Shared::new(config, ledger, limiter, api, tokens, stopping))
}

fn tokens(config: &Config, ledger: &Ledger) -> Result<TokenKeeper<SealedTokenStore>, StartError> {
    let sealer = Arc::new(Sealer::from_config(&config.oauth)?.ok_or(StartError::NoKey)?);
    let app = App::from_config(&config.oauth);
    let store = SealedTokenStore::new(ledger.clone(), Arc::clone(&sealer), app.as_ref());
    let client = OAuthClient::new(config.cafe24.oauth_url.clone(), OAuthTimeouts::default())?;
    let spool = Spool::new(config.oauth.spool_dir.clone(), sealer);
    Ok(TokenKeeper::new(store, client, config.oauth.refresh_before, Some(spool)))
}
