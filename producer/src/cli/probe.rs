//! The command line of `probe`.

use std::path::PathBuf;

use clap::Args;
use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;

use super::value::endpoint;

pub(super) const EXAMPLES: &str = "  cafe24-sync probe yourmall --dry-run              which calls, at which cost\n  \
cafe24-sync probe yourmall                        statuses, keys and types; never a value\n  \
cafe24-sync probe yourmall --record fixtures/     the answers, too, with every value replaced\n";

/// `probe`
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The mall
    pub mall: MallId,
    /// Ask only these endpoints; repeat (default: the mall's)
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1.., value_parser = endpoint())]
    pub endpoints: Vec<Endpoint>,
    /// Keep the answers in this folder, every value replaced by another of its kind
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Show the plan and its cost, send nothing
    #[arg(long)]
    pub dry_run: bool,
}
