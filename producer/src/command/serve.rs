//! `serve`: the daemon, or its duties once.

mod once;

use std::sync::Arc;

use common::telemetry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::cli::ServeArgs;
use crate::fault::{Exit, Fault, causes};
use crate::serve::{self, ServeError, Summary};
use crate::tokens::TokensError;

pub(super) async fn run(context: &Context, args: ServeArgs) -> Result<Exit, Fault> {
    match args.once {
        Some(duties) => once::run(context, &duties).await,
        None => Box::pin(daemon(context)).await,
    }
}

/// Runs the daemon until SIGTERM or Ctrl-C, and then ends in order.
async fn daemon(context: &Context) -> Result<Exit, Fault> {
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
    let daemon = serve::run(context.config.clone(), summary(context)?, shutdown.clone());
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

/// What `/status` says: of the command's document what names no mall and no agency.
fn summary(context: &Context) -> Result<Arc<Summary>, Fault> {
    let context = context.clone();
    // Of its own: a slow look at all malls takes no connection from the duties.
    let control = context.any_database()?;
    Ok(Arc::new(move || {
        let (context, control) = (context.clone(), control.clone());
        Box::pin(async move { super::status::without_names(&context, &control).await })
    }))
}
