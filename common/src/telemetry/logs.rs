//! Starts the log: to stderr, since stdout is for data.

use std::borrow::Cow;
use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::json::JsonLines;
use crate::config::{LogConfig, LogFormat, env};
use crate::domain::text::is_hostile;

/// Crates that speak too much at `info` and below; lapin also logs what it hands us as an error anyway.
const QUIET: &str = "hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,h2=warn,lapin=off,sqlx=warn,tokio_postgres=warn,redis=warn";

/// Crates that see passwords and tokens on their way. Below `info` they log them (lapin: the login to RabbitMQ, as bytes),
/// so they never get there, whatever `RUST_LOG` says.
const SECRETIVE: [&str; 11] = [
    "amq_protocol",
    "async_rs",
    "axum",
    "hyper",
    "hyper_util",
    "lapin",
    "redis",
    "reqwest",
    "rustls",
    "tcp_stream",
    "tokio_postgres",
];

/// Starts the log of this process and the panic hook. A second call in one process leaves the first log as it is.
///
/// `RUST_LOG` goes before `log.level`; one that is no filter is told in the first line, and ignored.
/// `auto` is text on a terminal and JSON elsewhere.
pub fn init(log: &LogConfig) {
    let (filter, mistake) = filter(log, env::rust_log().as_deref());
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter).with(secretive());
    // An error says that a log runs already.
    let _ = if json {
        registry.with(JsonLines { writer: std::io::stderr }).try_init()
    } else {
        registry.with(text_lines(std::io::stderr, terminal)).try_init()
    };
    super::install_panic_hook();
    if let Some(mistake) = mistake {
        tracing::warn!(error = %mistake, "RUST_LOG is not a log filter, write for example `info` or `warn,worker=debug`");
    }
}

/// The filter, and what is wrong with `RUST_LOG`.
pub(super) fn filter(log: &LogConfig, rust_log: Option<&str>) -> (EnvFilter, Option<ParseError>) {
    let configured = || EnvFilter::new(format!("{},{QUIET}", log.level));
    match rust_log.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(mistake)) => (configured(), Some(mistake)),
        None => (configured(), None),
    }
}

/// Lets everything through but what [`SECRETIVE`] crates say below `info`.
pub(super) fn secretive() -> Targets {
    let all = Targets::new().with_default(LevelFilter::TRACE);
    all.with_targets(SECRETIVE.map(|name| (name, LevelFilter::INFO)))
}

/// Lines for people: an event is one line, whatever is in its fields.
pub(super) fn text_lines<S, W>(writer: W, terminal: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let fields = debug_fn(|writer, field, value| {
        let shown = format!("{value:?}");
        let value = escape(&shown);
        match field.name() {
            "message" => write!(writer, "{value}"),
            name => write!(writer, "{name}={value}"),
        }
    });
    // A line that cannot be written must not end the program: the layer would say so on stderr, and panic if that is full.
    fmt::layer()
        .log_internal_errors(false)
        .with_writer(writer)
        .with_ansi(terminal)
        .with_target(false)
        .fmt_fields(fields.delimited(" "))
}

/// `text` with hostile characters as `\u{…}`.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|c| {
        let (hostile, plain) = if is_hostile(c) { (Some(c.escape_unicode()), None) } else { (None, Some(c)) };
        hostile.into_iter().flatten().chain(plain)
    });
    Cow::Owned(escaped.collect())
}
