//! The command lines of `export` and `malls purposes`.

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use common::domain::ids::{MallId, Purpose};
use common::store::ExportView;

use crate::plan::wish::parse_day;

pub(super) const EXPORT_EXAMPLES: &str = "  cafe24-sync export --view daily_store --all --from 2026-01-01 --to 2026-01-31 > january.ndjson\n  cafe24-sync export --view daily_products --all --purpose ads --from 2026-02-01 --to 2026-02-07\n";

/// `export`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["malls", "agency", "all"]))]
pub struct ExportArgs {
    /// Export daily_store, daily_products or daily_domains
    #[arg(long, value_name = "VIEW", value_parser = parse_view)]
    pub view: ExportView,
    /// Export this mall; repeat for more
    #[arg(long = "mall", value_name = "MALL", num_args = 1..)]
    pub malls: Vec<MallId>,
    /// Export the malls of this agency
    #[arg(long, value_name = "AGENCY")]
    pub agency: Option<String>,
    /// Export every mall
    #[arg(long)]
    pub all: bool,
    /// Export from this KST day (2026-02-01)
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub from: NaiveDate,
    /// Export to this KST day, included
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub to: NaiveDate,
    /// Only malls approved for this purpose; a named mall without it is refused
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Option<Purpose>,
    /// Write a JSON object a line, or CSV with a heading
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    pub format: Format,
}

fn parse_view(text: &str) -> Result<ExportView, String> {
    [ExportView::Store, ExportView::Products, ExportView::Domains]
        .into_iter()
        .find(|view| view.name() == text || view.name().strip_prefix("daily_") == Some(text))
        .ok_or_else(|| "no view to export; write daily_store, daily_products or daily_domains".to_owned())
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A heading, then a row a line.
    Csv,
}

pub(super) const PURPOSES_EXAMPLES: &str = "  cafe24-sync malls purposes hanbit\n  cafe24-sync malls purposes hanbit --set reporting,ads --reference 'no. 14' --on 2026-02-01\n  cafe24-sync malls purposes hanbit --none\n";

/// `malls purposes`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("purposes").args(["set", "none"]))]
pub struct PurposesArgs {
    /// The mall
    pub mall: MallId,
    /// Approve these from now on, and no others (reporting,ads)
    #[arg(long, value_name = "PURPOSE", value_delimiter = ',', num_args = 1..)]
    pub set: Vec<Purpose>,
    /// Approve nothing any more
    #[arg(long)]
    pub none: bool,
    /// Say where the approval is written down
    #[arg(long, value_name = "TEXT", requires = "set")]
    pub reference: Option<String>,
    /// Say on which day it was given
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "set")]
    pub on: Option<NaiveDate>,
    /// Let readers see a mall that came from another agency from this KST day on
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub shown_from: Option<NaiveDate>,
}
