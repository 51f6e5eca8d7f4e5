//! The command lines of budgets: `limits`, `backfill`, and the lanes of `queue`.

use clap::{Args, Subcommand};
use common::domain::bucket::Reserve;
use common::domain::ids::{LimiterKey, MallId};
use common::domain::job::Lane;
use common::domain::lanes::OwnHours;

use super::HELP;
use super::schedule::{OwnerArgs, ScopeArgs};

pub(super) const LIMITS_EXAMPLES: &str = "  cafe24-sync limits                       every bucket, the busiest first\n  \
cafe24-sync limits hanbit\n  cafe24-sync limits set hanbit --reserve 25%   leave a quarter to other software\n";
const SET_EXAMPLES: &str = "  cafe24-sync limits set hanbit --reserve 25%\n  \
cafe24-sync limits set hanbit --reserve default\n";
const HOURS_EXAMPLES: &str = "  cafe24-sync backfill hours 01:00-06:00 --agency acme\n  \
cafe24-sync backfill hours always --mall hanbit     whatever the configuration says\n  \
cafe24-sync backfill hours default --mall hanbit\n";
pub(super) const BACKFILL_EXAMPLES: &str = "  cafe24-sync backfill list\n  cafe24-sync backfill pause --reason 'sale day'\n  \
cafe24-sync backfill cancel 0199c1e2-6f0a-7000-8000-000000000000 --dry-run\n";

/// `limits`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LimitsArgs {
    /// Show the bucket of this mall
    pub mall: Option<MallId>,
    /// Show the buckets of an agency's malls
    #[arg(long, value_name = "AGENCY", conflicts_with = "mall")]
    pub agency: Option<String>,
    /// List at most N buckets (1-10000; default 50, with --plain all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: Option<u32>,
    /// What to change.
    #[command(subcommand)]
    pub change: Option<LimitsCommand>,
}

/// `limits set`
#[derive(Debug, Subcommand)]
pub enum LimitsCommand {
    /// Leave a share of a bucket, tokens and refill, to other software
    #[command(help_template = HELP, before_help = SET_EXAMPLES)]
    Set {
        /// The bucket: a mall's id, or the key that malls share
        #[arg(value_parser = parse_key)]
        key: LimiterKey,
        /// 0% to 90%, or default: as `limits.reserve` says
        #[arg(long, value_name = "SHARE", value_parser = parse_share)]
        reserve: Share,
    },
}

/// A share of its own, or the configured one.
#[derive(Debug, Clone, Copy)]
pub struct Share(pub Option<Reserve>);

/// `backfill`
#[derive(Debug, Subcommand)]
pub enum BackfillCommand {
    /// List the runs of the backfill lane, the newest first
    #[command(help_template = HELP, before_help = "  cafe24-sync backfill list --all\n")]
    List {
        /// List at most N runs (1-1000)
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// List runs that are over, too
        #[arg(long)]
        all: bool,
    },
    /// Show one run: what is done, what is left, when it is over
    #[command(help_template = HELP, before_help = "  cafe24-sync backfill show 0199c1e2-6f0a-7000-8000-000000000000\n")]
    Show {
        /// The run, or the first digits of its id
        run: String,
    },
    /// Send nothing of the backfill lane; its jobs wait
    #[command(help_template = HELP, before_help = "  cafe24-sync backfill pause --reason 'sale day'\n")]
    Pause(LaneArgs),
    /// Send the backfill lane again
    #[command(help_template = HELP, before_help = "  cafe24-sync backfill resume\n")]
    Resume {
        /// Whose.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Give an agency or a mall hours of its own, in which its backfills are sent
    #[command(help_template = HELP, before_help = HOURS_EXAMPLES)]
    Hours(HoursArgs),
    /// Drop the waiting jobs of a run; running ones end, and what was fetched stays
    ///
    /// Days that are still wanted come back with the schedule gaps within the hour, unless `malls set MALL wanted_from=DAY` or
    /// `schedule pause gaps` keeps them away. With --dry-run it names malls (as JSON all of them).
    #[command(help_template = HELP, before_help = "  cafe24-sync backfill cancel 0199c1e2-6f0a-7000-8000-000000000000 --dry-run\n")]
    Cancel {
        /// The run, or the first digits of its id
        run: String,
        /// Show what would be dropped, do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `backfill hours`
#[derive(Debug, Args)]
pub struct HoursArgs {
    /// 01:00-06:00 (KST, also over midnight), always, or default: as the next wider scope says
    #[arg(value_parser = parse_hours)]
    pub hours: HoursOf,
    /// Whose.
    #[command(flatten)]
    pub owner: OwnerArgs,
}

/// Hours of its own, or those of the next wider scope.
#[derive(Debug, Clone, Copy)]
pub struct HoursOf(pub Option<OwnHours>);

/// How a lane is paused.
#[derive(Debug, Args)]
pub struct LaneArgs {
    /// Whose.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Say why; it is shown beside the lane
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show what would wait, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `queue`
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List the lanes: what waits, whether they are sent now
    #[command(help_template = HELP, before_help = "  cafe24-sync queue list\n")]
    List,
    /// Send nothing of a lane; its jobs wait
    #[command(help_template = HELP, before_help = "  cafe24-sync queue pause backfill --dry-run\n")]
    Pause {
        /// fresh or backfill
        lane: Lane,
        /// How.
        #[command(flatten)]
        how: LaneArgs,
    },
    /// Send a paused lane again
    #[command(help_template = HELP, before_help = "  cafe24-sync queue resume backfill\n")]
    Resume {
        /// fresh or backfill
        lane: Lane,
        /// Whose.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Plan again what the broker or a worker lost
    #[command(help_template = HELP, before_help = "  cafe24-sync queue reconcile\n")]
    Reconcile,
}

fn parse_key(text: &str) -> Result<LimiterKey, String> {
    LimiterKey::try_from(text.to_owned()).map_err(|error| error.to_string())
}

fn parse_hours(text: &str) -> Result<HoursOf, String> {
    if text == "default" {
        return Ok(HoursOf(None));
    }
    text.parse().map(|hours| HoursOf(Some(hours))).map_err(|_| {
        "write 01:00-06:00 (two times of the day in KST that differ), always, or default".to_owned()
    })
}

fn parse_share(text: &str) -> Result<Share, String> {
    if text == "default" {
        return Ok(Share(None));
    }
    text.parse().map(|share| Share(Some(share))).map_err(|_| "write 0% to 90%, or default".to_owned())
}
