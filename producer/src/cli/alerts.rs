//! The command line of `alerts`.

use chrono::TimeDelta;
use clap::Subcommand;

use super::HELP;
use super::value::span;

const EXAMPLES: &str = "  cafe24-sync alerts silence 12 --for 2h\n";

/// `alerts`
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// List what wants a person, as the daemon last saw it
    #[command(help_template = HELP, before_help = "  cafe24-sync alerts list --all\n")]
    List {
        /// List what is over, too
        #[arg(long)]
        all: bool,
    },
    /// Send a message to the webhook
    #[command(help_template = HELP, before_help = "  cafe24-sync alerts test\n")]
    Test,
    /// Send nothing of an alert for a while; it is shown all the same
    #[command(help_template = HELP, before_help = EXAMPLES)]
    Silence {
        /// The alert's number
        id: i64,
        /// How long (30m, 2h, 3d)
        #[arg(long = "for", value_name = "SPAN", value_parser = parse_span)]
        span: TimeDelta,
    },
}

fn parse_span(text: &str) -> Result<TimeDelta, String> {
    span(text)
        .filter(|span| *span > TimeDelta::zero() && *span <= TimeDelta::days(365))
        .ok_or_else(|| "write a span of up to a year (30m, 2h, 3d)".to_owned())
}
