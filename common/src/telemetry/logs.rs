//! Log lines: to stderr, JSON for machines, text on a terminal.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat, env};

/// Installs the logger of this process, and a panic hook that says where, but not what: a panic's text may quote data.
pub fn init(config: &LogConfig) {
    let directives = env::rust_log().unwrap_or_else(|| format!("{},lapin=error,sqlx=warn", config.level));
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    // An error says that a logger is installed already (a second call in one process); it stays.
    let _ = if json {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
        registry.with(layer.with_writer(stderr)).try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer().with_ansi(stderr().is_terminal());
        registry.with(layer.with_writer(stderr)).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "worker.panicked", place, "a task panicked");
    }));
}
