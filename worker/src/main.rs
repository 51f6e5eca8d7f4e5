//! `cafe24-sync-worker`: takes jobs from RabbitMQ, fetches, writes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::config::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use worker::supervise::{self, End, StartError};

/// Fetches what the producer planned, within every mall's limit, and writes it to Postgres.
///
/// Examples:
///   cafe24-sync-worker run                 work until SIGTERM
///   cafe24-sync-worker run --slots 64      up to 64 requests under way
///   cafe24-sync-worker config check        say what is wrong with the settings
#[derive(Parser)]
#[command(name = "cafe24-sync-worker", version, verbatim_doc_comment)]
struct Cli {
    /// Settings file [default: cafe24-sync.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work until SIGTERM, then finish what has a token and hand back the rest
    Run {
        /// Requests under way at most, 1 to 1024 [default: worker.slots, 32]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        slots: Option<u16>,
    },
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with the settings, all at once
    Check,
}

fn main() -> ExitCode {
    if let Err(error) = common::process::harden() {
        return fail(&error, 1);
    }
    let cli = Cli::parse();
    let mut config = match Config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error, 6),
    };
    match cli.command {
        Command::Config(ConfigCommand::Check) => {
            for warning in &config.warnings {
                say(&format!("warning: {warning}"));
            }
            say(&format!("settings are valid: {} keys", config.keys.len()));
            ExitCode::SUCCESS
        }
        Command::Run { slots } => {
            if let Some(slots) = slots {
                config.worker.slots = usize::from(slots);
            }
            run(config)
        }
    }
}

fn run(config: Config) -> ExitCode {
    common::telemetry::init(&config.log);
    for warning in &config.warnings {
        tracing::warn!(event = "config.warning", "{warning}");
    }
    let recorder = common::telemetry::install_recorder();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    let ended = runtime.block_on(async {
        let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
        let signals = watch_signals(stop.clone(), hurry.clone());
        tokio::select! {
            ended = supervise::run(config, recorder, stop, hurry) => ended,
            never = signals => match never {},
        }
    });
    // Tasks that the grace time cut off are not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(End::Drained) => ExitCode::SUCCESS,
        Ok(End::Abandoned) => ExitCode::from(130),
        Err(error) => {
            let code = exit_code(&error);
            fail(&error, code)
        }
    }
}

/// The first SIGTERM or SIGINT drains, the second one ends at once.
async fn watch_signals(stop: CancellationToken, hurry: CancellationToken) -> std::convert::Infallible {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be caught; the worker ends only by SIGKILL");
        return std::future::pending().await;
    };
    for token in [&stop, &hurry] {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        token.cancel();
    }
    std::future::pending().await
}

/// 3: another schema, 6: unusable settings, 1: anything else (`docs/operate.md`, Exit codes).
fn exit_code(error: &StartError) -> u8 {
    match error {
        StartError::Schema(_) => 3,
        StartError::Deployment(_)
        | StartError::Broker(_)
        | StartError::Limiter(_)
        | StartError::Api(_)
        | StartError::OAuth(_)
        | StartError::Key(_)
        | StartError::NoKey
        | StartError::Store(_) => 6,
        StartError::Listen(_) => 1,
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let causes = std::iter::successors(error.source(), |error| error.source())
        .map(|cause| format!("\n  why  {cause}"));
    let text: String = std::iter::once(format!("error: {error}")).chain(causes).collect();
    // Nobody reads stderr: the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
