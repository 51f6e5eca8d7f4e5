//! `serve`

use common::telemetry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::fault::{Exit, Fault, causes};
use crate::serve::{self, ServeError};
use crate::tokens::TokensError;

/// Runs the daemon until SIGTERM or Ctrl-C, and then ends in order.
pub(super) async fn run(context: &Context) -> Result<Exit, Fault> {
    let mut log = context.config.log.clone();
    match context.verbose {
        0 => {}
        1 => "info".clone_into(&mut log.level),
        _ => "debug".clone_into(&mut log.level),
    }
    telemetry::init(&log);
    // Later calls to `log` find this logger installed.
    let control = context.any_database()?;
    context.prepare(&control).await?;
    control.close().await;

    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(Fault::Start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fault::Start)?;
    let daemon = serve::run(context.config.clone(), shutdown.clone());
    tokio::pin!(daemon);
    let result = tokio::select! {
        result = &mut daemon => result,
        _ = terminate.recv() => { shutdown.cancel(); daemon.await }
        _ = interrupt.recv() => { shutdown.cancel(); daemon.await }
    };
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(ServeError::Schema(error)) => Err(context.schema(error)),
        Err(ServeError::Store(error) | ServeError::Tokens(TokensError::Store(error))) => {
            Err(context.store(error))
        }
        Err(ServeError::Deployment(error)) => Err(Fault::OtherDeployment(error.to_string())),
        Err(ServeError::Tokens(error)) => Err(Fault::OAuthSettings(error.to_string())),
        Err(ServeError::Listen(error)) => Err(Fault::Listen(format!("{error}: {}", causes(&error)))),
        Err(ServeError::Feed(error)) => Err(context.feed(error, "nothing is lost: jobs stay in Postgres")),
    }
}
