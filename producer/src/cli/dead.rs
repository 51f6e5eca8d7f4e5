//! The command line of `dead`.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use clap::{ArgGroup, Args, Subcommand};
use common::clock::now;
use common::domain::calendar::kst;
use common::domain::endpoint::Endpoint;
use common::domain::failure::FailureClass;
use common::domain::ids::MallId;
use common::domain::job::Lane;
use common::store::LetterState;

use super::HELP;
use super::value::endpoint;
use crate::plan::wish::{parse_day, parse_last};

const LIST_EXAMPLES: &str = "  cafe24-sync dead list --group\n  cafe24-sync dead list --mall hanbit --since 2d\n  \
cafe24-sync dead list --cause 9f31 --plain\n";
const SHOW_EXAMPLES: &str = "  cafe24-sync dead show 9f31\n  cafe24-sync dead show 0c4fe2a1 --body\n";
const REPLAY_EXAMPLES: &str = "  cafe24-sync dead replay 9f31 --dry-run\n  cafe24-sync dead replay --mall hanbit --class transient\n  \
cafe24-sync dead replay --all --rate 20/s\n";
const DISCARD_EXAMPLES: &str = "  cafe24-sync dead discard 9f31 --reason 'shop closed in May'\n";
const PURGE_EXAMPLES: &str = "  cafe24-sync dead purge --older-than 90d --dry-run\n";
const RESTORE_EXAMPLES: &str =
    "  cafe24-sync dead restore 9f31\n  cafe24-sync dead restore --all --state purged\n";
const EXPORT_EXAMPLES: &str = "  cafe24-sync dead export letters.ndjson --state all\n  cafe24-sync dead export - --mall hanbit | jq .reason\n";

/// `dead`
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List dead letters, newest first, or by cause
    #[command(help_template = HELP, before_help = LIST_EXAMPLES)]
    List(Box<DeadListArgs>),
    /// Show a letter or a group: what was asked, what came back, what to do
    #[command(help_template = HELP, before_help = SHOW_EXAMPLES)]
    Show {
        /// A letter's id or a group's, or its first digits
        id: String,
        /// Show all that is kept of answer and message
        #[arg(long)]
        body: bool,
    },
    /// Plan letters again: preview, ask, go
    #[command(help_template = HELP, before_help = REPLAY_EXAMPLES)]
    Replay(Box<DeadReplayArgs>),
    /// Put letters aside that nobody wants
    #[command(help_template = HELP, before_help = DISCARD_EXAMPLES)]
    Discard(Box<DeadDiscardArgs>),
    /// Delete old letters; for 7 days they can be restored
    #[command(help_template = HELP, before_help = PURGE_EXAMPLES)]
    Purge(Box<DeadPurgeArgs>),
    /// Take a discard or a purge back
    #[command(help_template = HELP, before_help = RESTORE_EXAMPLES)]
    Restore(Box<DeadRestoreArgs>),
    /// Write letters as JSON lines
    #[command(help_template = HELP, before_help = EXPORT_EXAMPLES)]
    Export(Box<DeadExportArgs>),
}

/// Which letters; every flag narrows.
#[derive(Debug, Default, Args)]
pub struct FilterArgs {
    /// Only of this mall; repeat for more
    #[arg(long = "mall", value_name = "MALL", num_args = 1..)]
    pub malls: Vec<MallId>,
    /// Only of this agency's malls
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub agency: Option<String>,
    /// Only of this endpoint
    #[arg(long, value_name = "NAME", value_parser = endpoint())]
    pub endpoint: Option<Endpoint>,
    /// Only of this class (transient, contract_violation, …)
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    pub class: Option<FailureClass>,
    /// Only of this group (dead list --group)
    #[arg(long, value_name = "GROUP", hide_short_help = true)]
    pub cause: Option<String>,
    /// Only of this run's jobs; the first digits of its id are enough
    #[arg(long, value_name = "RUN", hide_short_help = true)]
    pub run: Option<String>,
    /// Only died since (2d, 12h, 2026-02-14 KST)
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<DateTime<Utc>>,
    /// Only died until (2d, 12h, 2026-02-14 KST, included)
    #[arg(long, value_name = "WHEN", value_parser = parse_until, hide_short_help = true)]
    pub until: Option<DateTime<Utc>>,
    /// Only with this text in failure, request or answer
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub text: Option<String>,
}

/// The names of [`FilterArgs`], for groups.
const FILTERS: [&str; 9] = ["malls", "agency", "endpoint", "class", "cause", "run", "since", "until", "text"];

/// Confirming, alike for all that changes letters.
#[derive(Debug, Default, Args)]
pub struct ConfirmArgs {
    /// Show the plan, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse unless the plan is still this one
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub plan: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `dead list`
#[derive(Debug, Args)]
pub struct DeadListArgs {
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only open (the default), replayed, discarded, purged or all
    #[arg(long, value_name = "STATE", default_value = "open", hide_default_value = true, value_parser = parse_states)]
    pub state: States,
    /// List by cause
    #[arg(long)]
    pub group: bool,
    /// List at most N (1-10000)
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// List letters after this one
    #[arg(long, value_name = "ID", conflicts_with = "group")]
    pub after: Option<String>,
}

/// `dead replay`
#[derive(Debug, Args)]
#[command(group = which(&["ids", "all", "resume"]))]
pub struct DeadReplayArgs {
    /// Letters or groups, by their first digits
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All open letters
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Let at most N jobs run a second
    #[arg(long, value_name = "N/s", value_parser = parse_rate)]
    pub rate: Option<u32>,
    /// Queue as fresh or backfill (default: fresh up to 1,000 letters)
    #[arg(long, value_name = "LANE", hide_short_help = true)]
    pub lane: Option<Lane>,
    /// Take up a replay that was interrupted
    #[arg(long, value_name = "RUN", conflicts_with_all = FILTERS, conflicts_with_all = ["ids", "all", "rate", "lane", "plan"])]
    pub resume: Option<String>,
    /// Confirming
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// `dead discard`
#[derive(Debug, Args)]
#[command(group = which(&["ids", "all"]))]
pub struct DeadDiscardArgs {
    /// Letters or groups, by their first digits
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All open letters
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Say why; it stays with the letters
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: String,
    /// Confirming
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// `dead purge`
#[derive(Debug, Args)]
pub struct DeadPurgeArgs {
    /// Delete what died before the last 90d (days) or 12w (weeks)
    #[arg(long, value_name = "90d", value_parser = parse_last)]
    pub older_than: u32,
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only open, replayed or discarded; all by default
    #[arg(long, value_name = "STATE", default_value = "all", hide_default_value = true, value_parser = parse_states)]
    pub state: States,
    /// Say why; it stays with the letters
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: Option<String>,
    /// Confirming
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// `dead restore`
#[derive(Debug, Args)]
#[command(group = which(&["ids", "all"]))]
pub struct DeadRestoreArgs {
    /// Letters or groups, by their first digits
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All discarded and purged letters
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only discarded or purged; both by default
    #[arg(long, value_name = "STATE", default_value = "all", hide_default_value = true, value_parser = parse_states)]
    pub state: States,
    /// Confirming
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// `dead export`
#[derive(Debug, Args)]
pub struct DeadExportArgs {
    /// Where to write; - is stdout
    pub file: String,
    /// Which
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only open (the default), replayed, discarded, purged or all
    #[arg(long, value_name = "STATE", default_value = "open", hide_default_value = true, value_parser = parse_states)]
    pub state: States,
}

/// States of letters; none: any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct States(pub Vec<LetterState>);

/// Some letters have to be named: a call without any word must not mean all of them.
fn which(names: &[&'static str]) -> ArgGroup {
    ArgGroup::new("which").required(true).multiple(true).args(names).args(FILTERS)
}

fn parse_states(text: &str) -> Result<States, String> {
    match text {
        "all" => Ok(States(Vec::new())),
        one => one
            .parse()
            .map(|state| States(vec![state]))
            .map_err(|_| "use open, replayed, discarded, purged or all".to_owned()),
    }
}

fn parse_class(text: &str) -> Result<FailureClass, String> {
    text.replace(['-', ' '], "_").parse().map_err(|_| {
        let names: Vec<_> = FailureClass::ALL.iter().map(|class| class.as_str()).collect();
        format!("use one of {}", names.join(", "))
    })
}

/// Reads `20/s` or `20`.
fn parse_rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse() {
        Ok(rate @ 1..=100_000) => Ok(rate),
        _ => Err("write 20/s (jobs a second, 1 to 100000)".to_owned()),
    }
}

fn parse_reason(text: &str) -> Result<String, String> {
    let reason = crate::output::text::clean(text.trim()).into_owned();
    match reason.chars().count() {
        1..=500 => Ok(reason),
        _ => Err("write a sentence (1 to 500 characters)".to_owned()),
    }
}

fn parse_since(text: &str) -> Result<DateTime<Utc>, String> {
    moment(text, |day| day)
}

/// The end of the day, or that long ago.
fn parse_until(text: &str) -> Result<DateTime<Utc>, String> {
    moment(text, |day| day + chrono::Days::new(1))
}

fn moment(text: &str, of_day: impl Fn(NaiveDate) -> NaiveDate) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = parse_day(text) {
        let midnight = of_day(day).and_time(NaiveTime::MIN).and_local_timezone(kst()).single();
        return midnight.map(|time| time.to_utc()).ok_or_else(|| "not a day".to_owned());
    }
    if let Some(hours) = text.strip_suffix('h').and_then(|hours| hours.parse::<i64>().ok())
        && (1..=100_000).contains(&hours)
    {
        return Ok(now() - Duration::hours(hours));
    }
    parse_last(text)
        .map(|days| now() - Duration::days(i64::from(days)))
        .map_err(|_| "write 2d, 12h or a KST day (2026-02-14)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_in_korea() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert_eq!(parse_since("2026-02-14"), Ok(time("2026-02-13T15:00:00Z")));
        assert_eq!(parse_until("2026-02-14"), Ok(time("2026-02-14T15:00:00Z")));
        assert!(parse_since("2d").is_ok_and(|time| time < now() - Duration::hours(47)));
        assert!(parse_since("12h").is_ok_and(|time| time > now() - Duration::hours(13)));
        assert!(parse_since("-2h").is_err() && parse_since("soon").is_err());
    }

    #[test]
    fn a_rate_a_class_and_a_state_are_read_as_people_write_them() {
        assert_eq!((parse_rate("20/s"), parse_rate("7")), (Ok(20), Ok(7)));
        assert!(parse_rate("0/s").is_err() && parse_rate("20/m").is_err());
        assert_eq!(parse_class("contract violation"), Ok(FailureClass::ContractViolation));
        assert_eq!(parse_states("all"), Ok(States(Vec::new())));
        assert!(parse_states("dead").is_err());
        assert!(parse_reason(" \n").is_err());
    }
}
