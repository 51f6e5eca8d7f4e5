//! Starts the log: to stderr, since stdout is for data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::json::JsonLines;
use crate::config::{LogConfig, LogFormat, env};

/// Crates that speak too much at `info` and below, and that know things they should not tell.
const QUIET: &str = "hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,h2=warn,lapin=warn,sqlx=warn,tokio_postgres=warn,redis=warn";

/// Logs or metrics cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` is no filter.
    #[error("RUST_LOG is not a log filter; write for example `info` or `warn,worker=debug`")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else logs or counts in this process already.
    #[error("{0} are started already in this process")]
    Twice(&'static str),
    /// A bucket list is empty: a mistake in our table.
    #[error("a histogram has no buckets")]
    Buckets,
}

/// Starts the log of this process and the panic hook.
///
/// `RUST_LOG` goes before `log.level`. `auto` is text on a terminal and JSON elsewhere.
///
/// # Errors
/// [`TelemetryError`] if `RUST_LOG` is wrong or a log runs already.
pub fn init(log: &LogConfig) -> Result<(), TelemetryError> {
    let filter = filter(log, env::rust_log().as_deref())?;
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(JsonLines { writer: std::io::stderr }).try_init()
    } else {
        let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
        registry.with(text.with_target(false)).try_init()
    };
    started.map_err(|_| TelemetryError::Twice("logs"))?;
    super::install_panic_hook();
    Ok(())
}

pub(super) fn filter(log: &LogConfig, rust_log: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    let directives = rust_log.map_or_else(|| format!("{},{QUIET}", log.level), str::to_owned);
    EnvFilter::try_new(directives).map_err(TelemetryError::Filter)
}
