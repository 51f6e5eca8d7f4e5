//! `connect` and `disconnect`

use std::time::Duration;

use clap::Args;
use common::domain::endpoint::Dialect;
use common::domain::ids::{AppId, MallId, ShopNo};

use super::value::{parse_shop, parse_wait};

/// How long a link lives, and with it the command that waits for its answer.
const LONGEST: Duration = Duration::from_mins(10);

/// `connect`
#[derive(Debug, Args)]
#[command(before_help = "  cafe24-sync connect yourmall\n  cafe24-sync connect yourmall --paste\n")]
pub struct ConnectArgs {
    /// The mall, the part before .cafe24.com
    pub mall: MallId,
    /// Synchronise this shop; repeat for several (default: those it has, 1 for a new mall)
    #[arg(long = "shop", value_name = "N", value_parser = parse_shop)]
    pub shops: Vec<ShopNo>,
    /// Ask for this app (default: that of the mall, oauth.client_id for a new one)
    #[arg(long, value_name = "APP")]
    pub app: Option<AppId>,
    /// Speak this dialect of the API (default: that of the mall, cafe24.dialect for a new one)
    #[arg(long, value_name = "DIALECT")]
    pub dialect: Option<Dialect>,
    /// Connect it for this agency (default: that of the mall)
    #[arg(long, value_name = "AGENCY", value_parser = parse_agency)]
    pub agency: Option<String>,
    /// Only print the link
    #[arg(long, conflicts_with = "paste")]
    pub no_browser: bool,
    /// Read the redirected address from stdin; needs no daemon
    #[arg(long)]
    pub paste: bool,
    /// Wait this long for the answer; the link ends with it (at most 10m)
    #[arg(long, value_name = "10m", default_value = "10m", hide_default_value = true, value_parser = parse_timeout)]
    pub timeout: Duration,
}

/// `disconnect`
#[derive(Debug, Args)]
#[command(before_help = "  cafe24-sync disconnect yourmall --dry-run\n")]
pub struct DisconnectArgs {
    /// The mall
    pub mall: MallId,
    /// Show what would be done, do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Erase the tokens even if Cafe24 cannot be told
    #[arg(long)]
    pub force: bool,
}

/// An agency's name follows the rule of a mall's id.
fn parse_agency(text: &str) -> Result<String, String> {
    text.parse::<MallId>()
        .map(String::from)
        .map_err(|_| "an agency's name is 1 to 40 of a-z, 0-9, `-` and `_`".to_owned())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_wait(text)? {
        wait if wait <= LONGEST => Ok(wait),
        _ => Err("Cafe24's consent is waited for 10m at most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lives_ten_minutes_at_most() {
        assert_eq!(parse_timeout("10m"), Ok(LONGEST));
        assert!(
            parse_timeout("11m").is_err() && parse_timeout("1h").is_err() && parse_timeout("0s").is_err()
        );
    }

    #[test]
    fn agencies_are_checked_at_the_door() {
        assert!(parse_agency("agency-1").is_ok() && parse_agency("a/b").is_err());
    }
}
