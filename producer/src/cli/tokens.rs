//! `tokens`

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use common::domain::ids::MallId;

use super::HELP;

const LIST_EXAMPLES: &str = "  cafe24-sync tokens list --expiring 3d\n";
const REFRESH_EXAMPLES: &str = "  cafe24-sync tokens refresh yourmall\n  cafe24-sync tokens refresh --due\n";
const ROTATE_EXAMPLES: &str =
    "  cafe24-sync tokens rotate-key --new-key --dry-run\n  cafe24-sync tokens rotate-key --yes\n";

/// `tokens`
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// List stored tokens: ends, scopes, keys; never the tokens
    #[command(help_template = HELP, before_help = LIST_EXAMPLES)]
    List {
        /// Only consents that end within 3d (days) or 12h (hours)
        #[arg(long, value_name = "3d", value_parser = parse_within)]
        expiring: Option<Duration>,
    },
    /// Renew a mall's tokens now, or all that are due
    #[command(help_template = HELP, before_help = REFRESH_EXAMPLES)]
    Refresh(TokensRefreshArgs),
    /// Seal all secrets with the first master key
    #[command(help_template = HELP, before_help = ROTATE_EXAMPLES)]
    RotateKey {
        /// Put a new key first in the master key file before
        #[arg(long)]
        new_key: bool,
        /// Show the plan, do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `tokens refresh`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["mall", "due"]))]
pub struct TokensRefreshArgs {
    /// The mall
    pub mall: Option<MallId>,
    /// All that are older than oauth.keep_alive, as the daemon does
    #[arg(long)]
    pub due: bool,
}

fn parse_within(text: &str) -> Result<Duration, String> {
    let rule = || "write 3d (1d to 60d) or 12h (1h to 99h)".to_owned();
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(rule)?;
    match (count.parse::<u64>().ok(), unit) {
        (Some(days @ 1..=60), "d") => Ok(Duration::from_hours(24 * days)),
        (Some(hours @ 1..=99), "h") => Ok(Duration::from_hours(hours)),
        _ => Err(rule()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_days_or_hours() {
        assert_eq!(parse_within("3d"), Ok(Duration::from_hours(72)));
        assert_eq!(parse_within("12h"), Ok(Duration::from_hours(12)));
        for wrong in ["", "3", "d", "0d", "61d", "3w", "한d"] {
            assert!(parse_within(wrong).is_err(), "{wrong}");
        }
    }
}
