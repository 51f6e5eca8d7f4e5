//! The command line: names, types and help. What a command does is in [`crate::command`].

mod alerts;

mod apps;

mod budget;

mod connect;

mod coverage;
mod db;

mod dead;

mod enqueue;

mod export;

mod tokens;

mod pauses;

mod probe;

mod schedule;

mod serve;

mod set;

mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use common::domain::ids::MallId;

pub use self::alerts::AlertsCommand;
pub use self::apps::AppsCommand;
pub use self::budget::{
    BackfillCommand, HoursArgs, LaneArgs, LimitsArgs, LimitsCommand, QueueCommand, Share,
};
pub use self::connect::{ConnectArgs, DisconnectArgs};
pub use self::coverage::CoverageArgs;
use self::coverage::EXAMPLES as COVERAGE_EXAMPLES;
pub use self::db::{DbCommand, GrantsArgs};
pub use self::dead::{
    ConfirmArgs, DeadCommand, DeadDiscardArgs, DeadExportArgs, DeadListArgs, DeadPurgeArgs, DeadReplayArgs,
    DeadRestoreArgs, FilterArgs,
};
use self::enqueue::EXAMPLES as ENQUEUE_EXAMPLES;
pub use self::enqueue::EnqueueArgs;
use self::export::{EXPORT_EXAMPLES, PURPOSES_EXAMPLES};
pub use self::export::{ExportArgs, Format, PurposesArgs};
pub(crate) use self::pauses::NO_REASON;
pub use self::pauses::{EndpointsCommand, PauseArgs, ResumeArgs};
use self::probe::EXAMPLES as PROBE_EXAMPLES;
pub use self::probe::ProbeArgs;
pub use self::schedule::{
    OwnerArgs, ScheduleCommand, SchedulePauseArgs, ScheduleRunArgs, ScheduleSetArgs, ScheduleUnsetArgs,
    ScopeArgs,
};
use self::serve::EXAMPLES as SERVE_EXAMPLES;
pub use self::serve::ServeArgs;
pub use self::set::{SetArgs, Setting};
pub use self::tokens::{TokensCommand, TokensRefreshArgs};

/// Examples stand first: they are what people look for.
const HELP: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}";

/// Synchronise Cafe24 analytics of many malls into Postgres.
#[derive(Debug, Parser)]
#[command(name = "cafe24-sync", version, help_template = HELP, max_term_width = 100)]
#[command(before_help = "  cafe24-sync enqueue --mall yourmall --last 7d --wait\n  cafe24-sync status\n")]
#[command(
    after_help = "Each command: cafe24-sync COMMAND -h, with all options --help. Manual pages: cafe24-sync man DIR."
)]
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
#[command(next_help_heading = "Options of every command")]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
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
    #[command(help_template = HELP, before_help = "  cafe24-sync init /etc/cafe24-sync\n")]
    Init {
        /// Where to write
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Show what is fresh, what waits and what needs you
    #[command(help_template = HELP, before_help = "  cafe24-sync status\n  cafe24-sync status --check || echo somebody has to look\n")]
    Status {
        /// End with 3 if a mall is late or needs you
        #[arg(long)]
        check: bool,
    },
    /// Look at everything, and say of each fault what to do (ends with 3 if there is one)
    #[command(help_template = HELP, before_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Authorise a mall in its browser
    #[command(help_template = HELP)]
    Connect(Box<ConnectArgs>),
    /// Revoke a mall's tokens and erase them; the mall stays
    #[command(help_template = HELP)]
    Disconnect(DisconnectArgs),
    /// Fetch days of malls: plan, show, hand over
    #[command(help_template = HELP, before_help = ENQUEUE_EXAMPLES)]
    Enqueue(Box<EnqueueArgs>),
    /// Write rows of the analysts' views as JSON lines or CSV
    #[command(help_template = HELP, before_help = EXPORT_EXAMPLES)]
    Export(Box<ExportArgs>),
    /// Show what is there and what is being done, by day; the gaps, and how to fill them
    #[command(help_template = HELP, before_help = COVERAGE_EXAMPLES)]
    Coverage(Box<CoverageArgs>),
    /// Import, list, show, set, pause, resume, remove malls
    #[command(subcommand, help_template = HELP)]
    Malls(MallsCommand),
    /// Apps that malls consent to, beside the configured one
    #[command(subcommand, help_template = HELP)]
    Apps(AppsCommand),
    /// The malls' tokens: list, renew, seal with a new key
    #[command(subcommand, help_template = HELP)]
    Tokens(TokensCommand),
    /// Show how a mall's API speaks, against what is known of it (ends with 3 if it differs)
    #[command(help_template = HELP, before_help = PROBE_EXAMPLES)]
    Probe(ProbeArgs),
    /// Endpoints of all malls: what is paused, by whom; pause, resume
    #[command(subcommand, help_template = HELP)]
    Endpoints(EndpointsCommand),
    /// What wants a person: list, silence, try the webhook
    #[command(subcommand, help_template = HELP)]
    Alerts(AlertsCommand),
    /// Jobs that failed for good
    #[command(subcommand, help_template = HELP)]
    Dead(DeadCommand),
    /// What is fetched by itself: list, show, run, pause, set
    #[command(subcommand, help_template = HELP)]
    Schedule(ScheduleCommand),
    /// The buckets: level, rate, share left to others, what waits
    #[command(help_template = HELP, before_help = self::budget::LIMITS_EXAMPLES)]
    Limits(LimitsArgs),
    /// Runs of the backfill lane: how far, until when; pause, resume, cancel
    #[command(subcommand, help_template = HELP, before_help = self::budget::BACKFILL_EXAMPLES)]
    Backfill(BackfillCommand),
    /// The lanes: what waits, what is sent now; pause, resume, reconcile
    #[command(subcommand, help_template = HELP)]
    Queue(QueueCommand),
    /// The database's schema
    #[command(subcommand, help_template = HELP)]
    Db(DbCommand),
    /// The settings in force
    #[command(subcommand, help_template = HELP)]
    Config(ConfigCommand),
    /// Run the daemon, or its duties once
    #[command(help_template = HELP, before_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Print completions for a shell
    #[command(help_template = HELP, before_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, one a command
    #[command(help_template = HELP, before_help = MAN_EXAMPLES)]
    Man {
        /// Where to write (default: print the first page)
        dir: Option<PathBuf>,
    },
    /// Print the version
    #[command(help_template = HELP, before_help = "  cafe24-sync version --json\n")]
    Version,
}

impl Command {
    /// Why its answer cannot be one of `--plain`, or with `json` of `--json`: it has a form of its own.
    pub fn own_form(&self, json: bool) -> Option<&'static str> {
        match self {
            Self::Completions { .. } => Some("completions are a script for a shell"),
            Self::Man { .. } => Some("manual pages are files for man"),
            Self::Config(ConfigCommand::Example) => Some("the example is a TOML file"),
            Self::Config(ConfigCommand::Schema) if !json => Some("the schema is JSON Schema as it stands"),
            Self::Export(_) if !json => Some("rows are JSON lines or CSV: --format says which"),
            Self::Dead(DeadCommand::Export(_)) if !json => Some("letters are written as JSON lines"),
            _ => None,
        }
    }
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
    #[command(help_template = HELP, before_help = "  cafe24-sync malls list\n  cafe24-sync malls list --plain | cut -f 1,4,14\n")]
    List {
        /// List at most N malls (1-10000; default 50, with --plain all)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: Option<u32>,
        /// List malls after this one
        #[arg(long, value_name = "MALL")]
        after: Option<MallId>,
    },
    /// Show one mall: state, tokens, coverage, jobs, dead letters, audit
    #[command(help_template = HELP, before_help = "  cafe24-sync malls show hanbit\n")]
    Show {
        /// The mall
        mall: MallId,
    },
    /// Change what is fetched of a mall, and how; its planned jobs follow
    #[command(help_template = HELP, before_help = self::set::EXAMPLES)]
    Set(SetArgs),
    /// Send nothing for a mall, or nothing to an endpoint of it; its jobs wait
    #[command(help_template = HELP, before_help = self::pauses::PAUSE_EXAMPLES)]
    Pause(PauseArgs),
    /// Send again for a paused mall, or to a paused endpoint of it
    #[command(help_template = HELP, before_help = "  cafe24-sync malls resume hanbit\n")]
    Resume(ResumeArgs),
    /// What a mall's data may be used for: show it, set it
    #[command(help_template = HELP, before_help = PURPOSES_EXAMPLES)]
    Purposes(PurposesArgs),
    /// Remove a mall and its tokens; its figures stay
    #[command(help_template = HELP, before_help = "  cafe24-sync malls remove hanbit\n")]
    Remove {
        /// The mall
        mall: MallId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Remove it even if Cafe24 cannot be told
        #[arg(long)]
        force: bool,
    },
}

const IMPORT_EXAMPLES: &str = "  cafe24-sync malls import malls.csv\n  exporter | cafe24-sync malls import - --dry-run\n\n\
CSV columns (mall_id is a must): mall_id,agency,dialect,shops,endpoints,wanted_from,mode,app,\n\
purposes,approval,approved_on,access_token,expires_at,refresh_token,refresh_token_expires_at,\n\
issued_at,scopes. JSON lines: the same up to approved_on, and oauth_tokens (the token call's\n\
answer). App - is the configured one, purposes - are none. Only mode \"api\" sends requests.\n\
Dialect: seed or live. Lists: 1;2 and visitors;products. A known mall keeps what the file does not\n\
say (no column, or an empty cell), and tokens that are newer.\n";

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, all mistakes at once
    #[command(help_template = HELP, before_help = "  cafe24-sync config check --connect\n")]
    Check {
        /// Try whether the three servers answer (ends with 5 if one does not)
        #[arg(long)]
        connect: bool,
    },
    /// Show every setting; secrets stay hidden
    #[command(help_template = HELP, before_help = "  cafe24-sync config show --origin\n")]
    Show {
        /// Say where each came from
        #[arg(long)]
        origin: bool,
    },
    /// Print an annotated configuration with every key and its default
    #[command(help_template = HELP, before_help = "  cafe24-sync config example > cafe24-sync.toml\n")]
    Example,
    /// Print the JSON Schema of the configuration, for editors
    #[command(help_template = HELP, before_help = "  cafe24-sync config schema > cafe24-sync.schema.json\n")]
    Schema,
}

const MAN_EXAMPLES: &str = "  cafe24-sync man ~/.local/share/man/man1\n  cafe24-sync man | man -l -\n";
const COMPLETIONS_EXAMPLES: &str = "  cafe24-sync completions bash > ~/.local/share/bash-completion/completions/cafe24-sync\n  \
cafe24-sync completions zsh > ~/.zfunc/_cafe24-sync\n";
const DOCTOR_EXAMPLES: &str =
    "  cafe24-sync doctor\n  cafe24-sync doctor --mall yourmall\n  cafe24-sync doctor --fix\n";

/// `doctor`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub struct DoctorArgs {
    /// Try this mall (default: any that sends requests)
    #[arg(long)]
    pub mall: Option<MallId>,
    /// Send nothing to Cafe24
    #[arg(long)]
    pub offline: bool,
    /// Declare what is missing in RabbitMQ; replace queues without a leader
    #[arg(long)]
    pub fix: bool,
    /// Do not ask before a queue is replaced
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// After a copy of the database was put back: number fetches above all before
    #[arg(long, conflicts_with_all = ["fix", "offline", "mall"])]
    pub after_restore: bool,
}

#[cfg(test)]
mod tests;
