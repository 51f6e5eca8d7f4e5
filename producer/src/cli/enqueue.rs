//! The command line of `enqueue`.

use std::time::Duration;

use chrono::NaiveDate;
use clap::Args;
use common::domain::calendar::Granularity;
use common::domain::endpoint::Endpoint;
use common::domain::ids::{MallId, ShopNo};
use common::domain::job::Lane;

use super::value::{endpoint, parse_shop, parse_wait};
use crate::plan::wish::{parse_day, parse_last};

pub(super) const EXAMPLES: &str = "  cafe24-sync enqueue --all --missing --wait\n  cafe24-sync enqueue --mall hanbit --from 2026-01-01 \
    --to 2026-01-31 --dry-run\n";

/// `enqueue`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["malls", "all"]))]
#[command(group = clap::ArgGroup::new("when").required(true).multiple(true).args(["last", "from", "missing"]))]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub struct EnqueueArgs {
    /// Fetch for this mall; repeat for more
    #[arg(long = "mall", value_name = "MALL", num_args = 1..)]
    pub malls: Vec<MallId>,
    /// Fetch for every mall
    #[arg(long)]
    pub all: bool,
    /// Fetch only this shop of them; repeat for more
    #[arg(long = "shop", value_name = "N", value_parser = parse_shop)]
    pub shops: Vec<ShopNo>,
    /// Fetch finished days (7d) or weeks (4w) up to yesterday KST
    #[arg(long, value_name = "7d", value_parser = parse_last, conflicts_with_all = ["from", "to"])]
    pub last: Option<u32>,
    /// Fetch from this KST day (2026-02-01)
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "to")]
    pub from: Option<NaiveDate>,
    /// Fetch to this KST day, included; today is partial
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "from")]
    pub to: Option<NaiveDate>,
    /// Fetch only this endpoint; repeat (default: those of each mall)
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1.., value_parser = endpoint())]
    pub endpoints: Vec<Endpoint>,
    /// Fetch a row a day, week (from Monday) or month
    #[arg(long, value_name = "PERIOD", default_value = "day")]
    pub granularity: Granularity,
    /// Ask for at most N days a request (default: the endpoint's limit)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366), hide_short_help = true)]
    pub chunk_days: Option<u32>,
    /// Queue as fresh or backfill (default: fresh up to 7 days)
    #[arg(long, value_name = "LANE")]
    pub lane: Option<Lane>,
    /// Fetch the gaps: what is wanted, not complete and not in work
    #[arg(long, conflicts_with = "force")]
    pub missing: bool,
    /// Fetch gaps that failed for good, too, instead of leaving them to dead replay
    #[arg(long, requires = "missing", hide_short_help = true)]
    pub failed: bool,
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
