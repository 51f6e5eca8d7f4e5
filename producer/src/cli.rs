//! The command line: names, types and help. What a command does is in [`crate::command`].

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use common::domain::calendar::Granularity;
use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;
use common::domain::job::Lane;

use crate::plan::wish::{parse_day, parse_last};

/// Examples stand first: they are what people look for.
const HELP: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}";

/// Synchronise Cafe24 analytics of many malls into Postgres.
#[derive(Debug, Parser)]
#[command(name = "cafe24-sync", version, help_template = HELP, max_term_width = 100)]
#[command(disable_help_subcommand = true, subcommand_required = false, next_help_heading = "Options")]
#[command(before_help = "  cafe24-sync connect yourmall --paste\n  cafe24-sync enqueue --mall yourmall --last 7d --wait\n  cafe24-sync status\n")]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; without one, where to start is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What applies to every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Read this configuration (default: cafe24-sync.toml, if it is there)
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long, global = true, hide_short_help = true)]
    pub json: bool,
    /// Answer with tab-separated values, nothing cut
    #[arg(long, global = true, conflicts_with = "json", hide_short_help = true)]
    pub plain: bool,
    /// Say only the answer and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", hide_short_help = true)]
    pub quiet: bool,
    /// Log more to stderr (-v info, -vv debug)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub verbose: u8,
    /// Use colours (auto: on terminals; obeys NO_COLOR)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub color: Color,
    /// Never ask a question
    #[arg(long, global = true, hide_short_help = true)]
    pub no_input: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write an annotated cafe24-sync.toml and a master key
    #[command(help_template = HELP)]
    Init {
        /// Where to write
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Show what is fresh, what waits and what needs you
    #[command(help_template = HELP)]
    Status {
        /// End with 3 if a mall is late or needs you
        #[arg(long)]
        check: bool,
    },
    /// Authorise a mall in its browser
    #[command(help_template = HELP)]
    Connect(ConnectArgs),
    /// Fetch days of malls: plan, show, hand over
    #[command(help_template = HELP, before_help = ENQUEUE_EXAMPLES)]
    Enqueue(Box<EnqueueArgs>),
    /// Import, list, pause, resume, remove malls
    #[command(subcommand, help_template = HELP)]
    Malls(MallsCommand),
    /// Jobs that failed for good
    #[command(subcommand, help_template = HELP)]
    Dead(DeadCommand),
    /// The broker's queues
    #[command(subcommand, help_template = HELP)]
    Queue(QueueCommand),
    /// The database's schema
    #[command(subcommand, help_template = HELP)]
    Db(DbCommand),
    /// The settings in force
    #[command(subcommand, help_template = HELP)]
    Config(ConfigCommand),
    /// Run the daemon: feed the queues, heal what was lost, keep dead letters
    #[command(help_template = HELP)]
    Serve,
    /// Print completions for a shell
    #[command(help_template = HELP)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the version
    #[command(help_template = HELP)]
    Version,
}

const ENQUEUE_EXAMPLES: &str = "  cafe24-sync enqueue --all --last 7d\n  cafe24-sync enqueue --mall hanbit --from 2026-01-01 \
--to 2026-01-31 --force --wait\n  cafe24-sync enqueue --all --last 90d --endpoint products --dry-run\n";

/// `enqueue`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["malls", "all"]))]
#[command(group = clap::ArgGroup::new("when").required(true).args(["last", "from"]))]
pub struct EnqueueArgs {
    /// Fetch for this mall; repeat for more
    #[arg(long = "mall", value_name = "MALL", num_args = 1..)]
    pub malls: Vec<MallId>,
    /// Fetch for every mall
    #[arg(long)]
    pub all: bool,
    /// Fetch finished days (7d) or weeks (4w) up to yesterday KST
    #[arg(long, value_name = "7d", value_parser = parse_last, conflicts_with_all = ["from", "to"])]
    pub last: Option<u32>,
    /// Fetch from this KST day (2026-02-01)
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "to")]
    pub from: Option<NaiveDate>,
    /// Fetch to this KST day, included; today is partial
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "from")]
    pub to: Option<NaiveDate>,
    /// Fetch only visitors, pageviews, products or domains; repeat
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1..)]
    pub endpoints: Vec<Endpoint>,
    /// Fetch a row a day, week (from Monday) or month
    #[arg(long, value_name = "PERIOD", default_value = "day")]
    pub granularity: Granularity,
    /// Ask for at most N days a request (default: 31, the limit)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub chunk_days: Option<u32>,
    /// Queue as fresh or backfill (default: fresh up to 7 days)
    #[arg(long, value_name = "LANE")]
    pub lane: Option<Lane>,
    /// Fetch what is missing or partial (the default)
    #[arg(long, conflicts_with = "force", hide_short_help = true)]
    pub missing: bool,
    /// Fetch complete days again too
    #[arg(long)]
    pub force: bool,
    /// Show the plan, do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Refuse unless the plan is still this one
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub plan: Option<String>,
    /// Feed and wait until all is done, or this long at most
    #[arg(long, value_name = "10m", num_args = 0..=1, require_equals = true, value_parser = parse_wait)]
    pub wait: Option<Option<Duration>>,
    /// Do not ask, also when it is large
    #[arg(long)]
    pub yes: bool,
}

/// `connect`
#[derive(Debug, Args)]
#[command(before_help = "  cafe24-sync connect yourmall --paste\n")]
pub struct ConnectArgs {
    /// The mall, the part before .cafe24.com
    pub mall: MallId,
    /// Read the redirected address from stdin
    #[arg(long, required = true)]
    pub paste: bool,
}

/// `malls`
#[derive(Debug, Subcommand)]
pub enum MallsCommand {
    /// Take malls from a file, all or none
    #[command(help_template = HELP, before_help = IMPORT_EXAMPLES)]
    Import {
        /// CSV with a heading, or JSON lines; - is stdin
        file: PathBuf,
        /// Check the file, store nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List malls
    #[command(help_template = HELP)]
    List {
        /// List at most N malls (1-10000; default 50, with --plain all)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: Option<u32>,
        /// List malls after this one
        #[arg(long, value_name = "MALL")]
        after: Option<MallId>,
    },
    /// Send nothing for a mall; its jobs wait
    #[command(help_template = HELP)]
    Pause {
        /// The mall
        mall: MallId,
        /// Say why; it is shown beside the mall
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Send again for a paused mall
    #[command(help_template = HELP)]
    Resume {
        /// The mall
        mall: MallId,
    },
    /// Remove a mall and its tokens; its figures stay
    #[command(help_template = HELP)]
    Remove {
        /// The mall
        mall: MallId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

const IMPORT_EXAMPLES: &str = "  cafe24-sync malls import malls.csv\n  exporter | cafe24-sync malls import - --dry-run\n\n\
CSV columns (mall_id is a must): mall_id,agency,dialect,shops (1;2),mode,access_token,expires_at,\n\
refresh_token,refresh_token_expires_at,issued_at,scopes. JSON lines: mall_id, agency, dialect, shops,\n\
mode, oauth_tokens (the answer of the token call). Only mode \"api\" sends requests.\n";

/// `dead`
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List dead letters, newest first
    #[command(help_template = HELP)]
    List {
        /// List at most N letters (1-10000)
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show one: what was asked, what came back
    #[command(help_template = HELP)]
    Show {
        /// The id, or its first digits
        id: String,
    },
    /// Plan one again
    #[command(help_template = HELP)]
    Replay {
        /// The id, or its first digits
        id: String,
        /// Show the plan, do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `queue`
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Plan again what the broker or a worker lost
    #[command(help_template = HELP)]
    Reconcile,
}

/// `db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Bring the schema up to date
    #[command(help_template = HELP)]
    Migrate,
    /// Compare the schema with this program's
    #[command(help_template = HELP)]
    Status {
        /// End with 3 if it is another
        #[arg(long)]
        check: bool,
    },
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, all mistakes at once
    #[command(help_template = HELP)]
    Check,
    /// Show every setting; secrets stay hidden
    #[command(help_template = HELP)]
    Show {
        /// Say where each came from
        #[arg(long)]
        origin: bool,
    },
}

fn parse_wait(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (value, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 0,
    };
    match value.parse::<u64>() {
        Ok(value @ 1..=1_000_000) if seconds > 0 => Ok(Duration::from_secs(value * seconds)),
        _ => Err("not a duration; write 30s, 10m or 2h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_short_help_is_longer_than_25_lines() {
        let mut root = Cli::command();
        root.build();
        let mut open = vec![root];
        while let Some(mut command) = open.pop() {
            let help = command.render_help().to_string();
            // Longer lines wrap on a screen of 100 columns.
            let lines: usize = help.lines().map(|line| line.chars().count().div_ceil(100).max(1)).sum();
            assert!(lines <= 25, "{}: {lines} lines\n{help}", command.get_name());
            open.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn wait_takes_a_duration_or_nothing() {
        assert_eq!(parse_wait("10m"), Ok(Duration::from_secs(600)));
        assert!(parse_wait("10").is_err() && parse_wait("m").is_err() && parse_wait("0s").is_err());
    }
}
