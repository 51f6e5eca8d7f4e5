//! `cafe24-simulator`: the simulated Cafe24 as a program of its own.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tests::simulator::{BucketKind, DayKind, LimiterScope, SimConfig, Simulator, SimulatorHandle};

/// A simulated Cafe24: analytics API, OAuth and token buckets for any number of malls, with faults to order
///
/// Figures are made up and depend on nothing but the seed. Nothing leaves this machine.
#[derive(Debug, Parser)]
#[command(name = "cafe24-simulator", version, after_help = EXAMPLES)]
struct Args {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:42080")]
    listen: SocketAddr,
    /// Number of malls
    #[arg(long, value_name = "N", default_value_t = 8)]
    malls: usize,
    /// How many of them sell thousands of products a day [default: one in eight]
    #[arg(long, value_name = "N")]
    large_malls: Option<usize>,
    /// How many of them, the first ones, speak the dialect of real malls
    #[arg(long, value_name = "N", default_value_t = 0)]
    live_malls: usize,
    /// Let days grow by the hour and be corrected for a week, instead of being final at once
    #[arg(long)]
    living_days: bool,
    /// Agencies the malls are dealt to
    #[arg(long, value_name = "N", default_value_t = 1)]
    agencies: usize,
    /// Decides all figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How buckets refill: evenly, or once a second
    #[arg(long, value_enum, default_value_t = Bucket::Continuous)]
    bucket: Bucket,
    /// Who shares a bucket
    #[arg(long, value_enum, default_value_t = Scope::Mall)]
    limiter_scope: Scope,
    /// Refill so many times faster than 2 tokens a second
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = positive)]
    rate_multiplier: f64,
    /// Latency of each answer in milliseconds: one number, or a range as 20..80
    #[arg(long, value_name = "A..B", default_value = "0", value_parser = latency)]
    latency_ms: RangeInclusive<Duration>,
    /// Client id of the app that may ask for tokens
    #[arg(long, value_name = "ID", default_value = "simulated-client")]
    client_id: String,
    /// Its secret; a made-up one, so it may stand here
    #[arg(long, value_name = "TEXT", default_value = "simulated-secret")]
    client_secret: String,
    /// The registered redirect address [default: any]
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// Life of an access token in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200)]
    access_lifetime: u64,
    /// Life of a refresh token in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1_209_600)]
    refresh_lifetime: u64,
    /// Longest range of days in one request
    #[arg(long, value_name = "DAYS", default_value_t = 31)]
    max_days: u32,
    /// Refuse requests without X-Cafe24-Api-Version instead of counting them
    #[arg(long)]
    strict_version: bool,
    /// Let other machines use /control as well
    #[arg(long)]
    open_control: bool,
    /// Write the malls with fresh tokens to this file, for `malls import`
    #[arg(long, value_name = "FILE")]
    import_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cafe24-simulator --malls 20 --large-malls 2 --import-file malls.jsonl
  cafe24-simulator --listen 127.0.0.1:0 --bucket stepped --latency-ms 20..80
  curl http://127.0.0.1:42080/control/report";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bucket {
    Continuous,
    Stepped,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    Mall,
    Host,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is closed.
            let _closed = writeln!(anstream::stderr(), "error: {error}{}", causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let import_file = args.import_file.clone();
    let simulator = Simulator::start(config(args))?;
    if let Some(path) = &import_file {
        let mut text = Vec::new();
        for line in simulator.import_lines()? {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        std::fs::write(path, text)?;
    }
    greet(&simulator)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(told_to_stop())?;
    Ok(())
}

fn greet(simulator: &SimulatorHandle) -> std::io::Result<()> {
    let (url, config) = (simulator.base_url(), simulator.config());
    let mut out = anstream::stdout();
    writeln!(out, "simulated Cafe24, {} malls, seed {}", simulator.malls().len(), config.seed)?;
    writeln!(out, "  api     {url}")?;
    writeln!(out, "  oauth   {}", simulator.oauth_template())?;
    writeln!(out, "  client  {} / {}", config.client_id, config.client_secret)?;
    writeln!(out, "  malls   {url}/control/import-file")?;
    writeln!(out, "  report  {url}/control/report")?;
    writeln!(out, "Ctrl-C stops it")?;
    out.flush()
}

#[cfg(unix)]
async fn told_to_stop() -> std::io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _signal = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn config(args: Args) -> SimConfig {
    SimConfig {
        listen: args.listen,
        seed: args.seed,
        malls: args.malls,
        large_malls: args.large_malls,
        live_malls: args.live_malls,
        days: if args.living_days { DayKind::Living } else { DayKind::Whole },
        agencies: args.agencies,
        bucket: match args.bucket {
            Bucket::Continuous => BucketKind::Continuous,
            Bucket::Stepped => BucketKind::Stepped,
        },
        rate_multiplier: args.rate_multiplier,
        limiter_scope: match args.limiter_scope {
            Scope::Mall => LimiterScope::Mall,
            Scope::Host => LimiterScope::Host,
        },
        latency: args.latency_ms,
        client_id: args.client_id,
        client_secret: args.client_secret,
        redirect_uri: args.redirect_uri,
        access_lifetime: Duration::from_secs(args.access_lifetime),
        refresh_lifetime: Duration::from_secs(args.refresh_lifetime),
        strict_version: args.strict_version,
        max_days: args.max_days,
        open_control: args.open_control,
        ..SimConfig::default()
    }
}

fn latency(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let ms = |part: &str| part.parse().map(Duration::from_millis).map_err(|_| rule(text));
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (ms(least)?, ms(most)?),
        None => (ms(text)?, ms(text)?),
    };
    if least > most { Err(rule(text)) } else { Ok(least..=most) }
}

fn rule(text: &str) -> String {
    format!("`{text}` is no latency: write milliseconds as 50, or a rising range as 20..80")
}

fn positive(text: &str) -> Result<f64, String> {
    let number =
        text.parse().ok().filter(|number: &f64| number.is_finite() && (0.001..=1000.0).contains(number));
    number.ok_or_else(|| format!("`{text}` is no factor: use a number from 0.001 to 1000"))
}

fn causes(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests_of_flags {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_latency_is_a_number_or_a_rising_range() {
        assert_eq!(latency("20..80"), Ok(Duration::from_millis(20)..=Duration::from_millis(80)));
        assert_eq!(latency("5"), Ok(Duration::from_millis(5)..=Duration::from_millis(5)));
        assert!(latency("80..20").is_err());
        assert!(latency("soon").is_err());
    }
}
