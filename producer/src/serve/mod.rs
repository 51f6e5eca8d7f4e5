//! The daemon: what has to happen without a person. Several may run; one leads, the others stand by.

mod listener;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::config::Config;
use common::deployment::{self, OtherDeployment};
use common::health::{BindError, Missing, Pages};
use common::store::{Control, SchemaError, StoreError};
use common::telemetry::{Recorder, events};
use tokio::net::TcpListener;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::connect::Web;
use crate::duty::{Board, Leader};
use crate::feed::{self, FeedError};
use crate::tokens::{Tokens, TokensError};

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database is not this version's.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The URL of Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis or RabbitMQ is another installation's.
    #[error(transparent)]
    Deployment(#[from] OtherDeployment),
    /// A setting that the feeder cannot use.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A setting that the token keeper cannot use.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The private port cannot be had.
    #[error(transparent)]
    Listen(#[from] BindError),
}

pub(crate) use status::Summary;

/// Runs until `shutdown`; `summary` is what `/status` says of the whole installation. Postgres must be there at the start; a
/// neighbour that goes away later is waited for.
pub(crate) async fn run(
    config: Config,
    summary: Arc<Summary>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let size = u32::try_from(config.postgres.pool).unwrap_or(u32::MAX);
    let control = Control::new(config.postgres.url.expose(), size)?;
    control.check_schema().await?;
    // What is late is said in views, for analysts as for us.
    control.keep_deadline(config.schedule.deadline).await?;
    if let Some(id) = control.deployment() {
        let (broker, limiter) = (feed::broker(&config, &control)?, feed::any_limiter(&config)?);
        deployment::claim(id, &broker, &limiter).await?;
    }
    let tokens = Arc::new(Tokens::new(&config, &control)?);
    warn_of_few_files(&config);
    let pages = Pages::bind(config.serve.listen, "serve.listen").await?;
    let browsers = browsers(&config, &control).await?;
    tracing::info!(
        event = "serve.started",
        profile = %config.profile,
        listen = %pages.address(),
        web = browsers.as_ref().map(|(_, _, address)| address.to_string()),
        "the daemon runs"
    );
    let recorder = common::telemetry::install_recorder();
    let board = Arc::new(Board::default());
    let status = status::router(control.clone(), Arc::clone(&board), summary);
    let led = {
        let lead = async {
            // Ours, whoever leads: another machine's daemon does not see it.
            tokio::select! {
                () = tokens.take_up_spool() => {}
                () = shutdown.cancelled() => {}
            }
            let leader = Leader::daemon(config, control.clone(), Arc::clone(&tokens), Arc::clone(&board));
            let led = leader.run(shutdown.clone()).await;
            // Whatever ended it, the consents under way are finished first.
            shutdown.cancel();
            led
        };
        tokio::select! {
            (led, ()) = async { tokio::join!(lead, answer(browsers, shutdown.clone())) } => led,
            () = upkeep(recorder.clone()) => Ok(()),
            () = pages.with(status).serve(recorder, missing(control.clone())) => Ok(()),
        }
    };
    tokens.close().await;
    control.close().await;
    tracing::info!(event = "serve.stopped", "the daemon stopped");
    Ok(led?)
}

/// Files and sockets beside the pool's and the browsers': the other servers, the pages, and a few to spare.
const OTHER_FILES: u64 = 32;

/// A daemon with too few files goes on; browsers and scrapers wait then until others have gone.
fn warn_of_few_files(config: &Config) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let wanted = OTHER_FILES + number(config.postgres.pool) + number(listener::CONNECTIONS);
    if let Some(limit) = common::process::open_files().filter(|limit| *limit < wanted) {
        tracing::warn!(
            event = events::FILES_FEW,
            limit,
            wanted,
            "this process may open {limit} files, {wanted} could be needed: raise `ulimit -n`"
        );
    }
}

/// The port for browsers, if malls can be connected here at all.
async fn browsers(
    config: &Config,
    control: &Control,
) -> Result<Option<(Web, TcpListener, SocketAddr)>, BindError> {
    if config.oauth.redirect_uri.is_none() {
        return Ok(None);
    }
    let web = match Web::new(config, control.clone()) {
        Ok(web) => web,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no mall can be connected through this daemon"
            );
            return Ok(None);
        }
    };
    let (listener, address) = common::health::bind(config.web.listen, "web.listen").await?;
    Ok(Some((web, listener, address)))
}

/// Answers browsers until `shutdown`, and ends what they have begun.
async fn answer(browsers: Option<(Web, TcpListener, SocketAddr)>, shutdown: CancellationToken) {
    if let Some((web, listener, _)) = browsers {
        tokio::select! {
            () = listener::serve(listener, web.router(), shutdown) => {}
            () = web.tell_of_lost() => {}
        }
        web.finish().await;
    }
}

/// The daemon is ready when Postgres answers; it waits for its other neighbours by itself.
fn missing(control: Control) -> Arc<Missing> {
    Arc::new(move || {
        let control = control.clone();
        Box::pin(
            async move { control.ping().await.err().map(|error| error.to_string()).into_iter().collect() },
        )
    })
}

/// Keeps what was recorded small in a process that nobody scrapes.
async fn upkeep(recorder: Recorder) {
    let mut tick = interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        recorder.upkeep();
    }
}
