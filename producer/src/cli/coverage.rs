//! The command line of `coverage`.

use chrono::NaiveDate;
use clap::Args;
use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;

use super::value::endpoint;
use crate::plan::wish::{parse_day, parse_last};

pub(super) const EXAMPLES: &str = "  cafe24-sync coverage --mall hanbit\n  cafe24-sync coverage --agency acme --last 14d\n  \
cafe24-sync coverage --gaps\n  cafe24-sync coverage --last 7d --check\n";

/// `coverage`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").args(["malls", "agency", "all"]))]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub struct CoverageArgs {
    /// Show this mall; repeat for more
    #[arg(long = "mall", value_name = "MALL", num_args = 1..)]
    pub malls: Vec<MallId>,
    /// Show this agency's malls
    #[arg(long, value_name = "NAME")]
    pub agency: Option<String>,
    /// Show every mall (the default)
    #[arg(long, hide_short_help = true)]
    pub all: bool,
    /// Show only these endpoints; repeat
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1.., value_parser = endpoint())]
    pub endpoints: Vec<Endpoint>,
    /// Show the last days, today included (default: 60d; with --gaps and --check all that is wanted)
    #[arg(long, value_name = "60d", value_parser = parse_last, conflicts_with_all = ["from", "to"])]
    pub last: Option<u32>,
    /// Show from this KST day (2026-02-01)
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "to")]
    pub from: Option<NaiveDate>,
    /// Show to this KST day, included
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "from")]
    pub to: Option<NaiveDate>,
    /// Print the command that fills each gap, one a line
    #[arg(long, conflicts_with = "restatements")]
    pub gaps: bool,
    /// Say how far figures moved after 1, 2, 3 and 7 days
    #[arg(long)]
    pub restatements: bool,
    /// End with 3 if a day that is due is not complete
    #[arg(long, conflicts_with = "restatements")]
    pub check: bool,
    /// Show at most N malls (1-10000; default 50, with --plain and --gaps all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), hide_short_help = true)]
    pub limit: Option<u32>,
    /// Show malls after this one
    #[arg(long, value_name = "MALL", hide_short_help = true)]
    pub after: Option<MallId>,
}
